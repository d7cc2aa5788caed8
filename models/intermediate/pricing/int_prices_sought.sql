-- one row per price situation and meter in use, by calls or by usage that no bill covers
{% set situation = price_situation() %}
{% set meters = call_meters() %}
{# A cache write's premium needs both prices; a stated cost may prove that the write lasts an hour. #}
{% set also = {
    'input': ' or cache_write_5m_tokens > 0 or cache_write_1h_tokens > 0', 'cache_write_1h': ' or untimed_tokens > 0'
} %}
with calls as (

    -- Millions of calls share few prices.
    select
        {{ situation | join(',\n        ') }},
        {% for meter in meters -%}
            max({{ meter_column(meter) }}) as {{ meter_column(meter) }},
        {% endfor %}
        max(case when stated_usd > 0 and not is_cache_write_timed then cache_write_5m_tokens else 0 end)
            as untimed_tokens
    from {{ ref('int_calls_situated') }}
    where model is not null and priced_on is not null
    group by {{ situation | join(', ') }}

),

sought as (

    {% for meter in meters %}
        select
            {{ situation | join(',\n            ') }},
            '{{ meter }}' as meter
        from calls
        where {{ meter_column(meter) }} > 0{{ also.get(meter, '') }}

        union all

    {% endfor %}

    select
        {{ situation | join(',\n        ') }},
        tool_meter as meter
    from calls
    where tool_meter is not null

    union all

    select
        provider,
        account_id,
        model,
        null as tool_meter,
        coalesce(price_tier, 'standard') as service_tier,
        null as inference_geo,
        usage_on as priced_on,
        0 as long_context_tokens,
        null as priced_time,
        call_meter as meter
    from {{ ref('int_usage_unbilled') }}
    where model is not null and {{ is_touched('usage_on', 'read_day') }}

    union all

    select
        provider,
        account_id,
        model,
        null as tool_meter,
        coalesce(price_tier, 'standard') as service_tier,
        null as inference_geo,
        charged_on as priced_on,
        long_context_tokens,
        null as priced_time,
        call_meter as meter
    from {{ ref('int_usage_totalled') }}
    where {{ is_touched('charged_on', 'read_day') }}

)

select distinct
    {{ situation | join(',\n    ') }},
    dense_rank() over (order by {{ situation | join(', ') }}) as situation_no,
    meter
from sought
