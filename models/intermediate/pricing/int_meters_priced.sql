-- one row per call and meter with a quantity: unit price in force and price; NULL where the book knows none
{{ config(materialized="view") }}
{% set meters = call_meters() %}
with meters as (

    {% for meter in meters %}
        select
            call_key,
            situation_no,
            '{{ meter }}' as meter,
            {{ meter_column(meter) }} as quantity
        from {{ ref('int_calls_priced') }}
        where {{ meter_column(meter) }} > 0

        union all

    {% endfor %}

    select
        call_key,
        situation_no,
        tool_meter as meter,
        1 as quantity
    from {{ ref('int_calls_priced') }}
    where tool_meter is not null

)

select
    meters.call_key,
    meters.meter,
    prices.service_tier,
    meters.quantity,
    prices.list_price_usd,
    prices.unit_price_usd,
    {{ money('meters.quantity * prices.unit_price_usd') }} as priced_usd
from meters
left join {{ ref('int_unit_prices_negotiated') }} as prices
    on meters.situation_no = prices.situation_no and meters.meter = prices.meter
