{# Shares of calls as the feature P&L costs them, under the newest ids of renamed features: with `spread_cache_writes`, readers of a cache bear a part of writing it. #}
{% macro costed_shares() -%}
    {%- if var('spread_cache_writes') -%}
    (
        select
            {{ all_but('borne', ['borne_usd']) }},
            borne.borne_usd + coalesce(spread.moved_usd, 0) as borne_usd
        from {{ ref('int_current_feature_shares') }} as borne
        left join {{ ref('int_cache_write_reallocations') }} as spread
            on borne.call_key = spread.call_key and borne.place = spread.place
    )
    {%- else -%}
    {{ ref('int_current_feature_shares') }}
    {%- endif -%}
{%- endmacro %}
