{% set counts = [] %}
{% for meter in call_meters() %}
    {% do counts.append("when prices.meter = '" ~ meter ~ "' then calls." ~ meter_column(meter)) %}
{% endfor %}
{% set quantity_of_meter = 'case ' ~ counts | join(' ') ~ ' end' %}
with calls as (

    -- A call on own capacity has no price: what the capacity costs is on its bill.
    select * from {{ ref('int_call_providers') }}
    where call_key not in (select driven.call_key from {{ ref('int_driver_calls') }} as driven)

),

prices as (

    select * from {{ ref('int_unit_prices') }}

),

-- Exporters that state a cost compute it from list prices, so the cost shows for how long an untimed cache write lasts.
listed_costs as (

    select
        calls.call_key,
        calls.stated_usd,
        sum(coalesce({{ quantity_of_meter }} * prices.list_price_usd, 0)) as listed_usd,
        max(calls.cache_write_5m_tokens) * (
            max(case when prices.meter = 'cache_write_1h' then prices.list_price_usd end)
            - max(case when prices.meter = 'cache_write_5m' then prices.list_price_usd end)
        ) as hour_surcharge_usd
    from calls
    inner join prices on calls.rate_key = prices.rate_key
    where calls.cache_write_5m_tokens > 0 and not calls.is_cache_write_timed and calls.stated_usd > 0
    group by calls.call_key, calls.stated_usd

),

compared_costs as (

    select
        call_key,
        {{ rounds_to('listed_usd', 'stated_usd') }} as is_five_minutes_cost,
        {{ rounds_to('(listed_usd + hour_surcharge_usd)', 'stated_usd') }} as is_hour_cost
    from listed_costs

),

-- A cache write of unstated lifetime lasts five minutes, unless the stated cost fits an hour and not five minutes.
timed_calls as (

    select
        {{ all_but('calls', ['cache_write_5m_tokens', 'cache_write_1h_tokens']) }},
        case
            when calls.is_cache_write_timed then 'stated'
            when costs.is_hour_cost != costs.is_five_minutes_cost then 'stated_cost'
            else 'default'
        end as cache_write_rule,
        case
            when costs.is_hour_cost and not costs.is_five_minutes_cost then 0 else calls.cache_write_5m_tokens
        end as cache_write_5m_tokens,
        calls.cache_write_1h_tokens + case
            when costs.is_hour_cost and not costs.is_five_minutes_cost then calls.cache_write_5m_tokens else 0
        end as cache_write_1h_tokens
    from calls
    left join compared_costs as costs on calls.call_key = costs.call_key

),

-- The prices of a rate name each meter that any of its calls used.
usage as (

    select
        calls.call_key,
        prices.meter,
        prices.service_tier,
        case
            -- Tools are billed per request.
            when prices.meter = calls.tool_meter then 1
            else {{ quantity_of_meter }}
        end as quantity,
        prices.list_price_usd,
        prices.unit_price_usd,
        prices.month_end_price_usd,
        prices.write_premium_usd,
        prices.is_assumed,
        case when prices.meter in ('cache_write_5m', 'cache_write_1h') then calls.cache_write_rule end
            as cache_write_rule
    from timed_calls as calls
    inner join prices on calls.rate_key = prices.rate_key

)

select
    call_key,
    meter,
    service_tier,
    cast(quantity as bigint) as quantity,
    list_price_usd,
    unit_price_usd,
    {{ money('quantity * unit_price_usd') }} as priced_usd,
    {{ money('quantity * month_end_price_usd') }} as month_end_usd,
    {{ money('quantity * write_premium_usd') }} as write_premium_usd,
    is_assumed,
    cache_write_rule
from usage
where quantity > 0
