{{ config(materialized="view") }}
select
    {{ all_but('shares', ['originating_feature_id', 'serving_feature_id']) }},
    coalesce(origins.newest_feature_id, shares.originating_feature_id) as originating_feature_id,
    coalesce(servings.newest_feature_id, shares.serving_feature_id) as serving_feature_id,
    -- The cost in the feature P&L: with variable `spread_cache_writes`, readers of a cache pay a part of writing it.
    {% if var('spread_cache_writes') %}
        shares.borne_usd + coalesce(reallocations.moved_usd, 0) as pnl_usd
    {% else %}
        shares.borne_usd as pnl_usd
    {% endif %}
from {{ ref('int_call_shares') }} as shares
left join {{ ref('stg_catalog__feature_chains') }} as origins
    on shares.originating_feature_id = origins.feature_id
left join {{ ref('stg_catalog__feature_chains') }} as servings
    on shares.serving_feature_id = servings.feature_id
{% if var('spread_cache_writes') %}
    left join {{ ref('int_cache_write_reallocations') }} as reallocations
        on shares.call_key = reallocations.call_key and shares.place = reallocations.place
{% endif %}
