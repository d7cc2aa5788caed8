-- one row per call and meter: quantity, unit price in force and price; NULL where the book knows none
with meters as (

    select * from {{ ref('int_call_meters_unpivoted') }}

),

prices as (

    select * from {{ ref('int_unit_prices_negotiated') }}

)

select
    meters.call_key,
    meters.meter,
    meters.service_tier,
    meters.quantity,
    prices.list_price_usd,
    prices.unit_price_usd,
    {{ money('meters.quantity * prices.unit_price_usd') }} as priced_usd,
    {{ money('meters.quantity * prices.write_premium_usd') }} as write_premium_usd
from meters
left join prices
    on
        meters.provider = prices.provider
        and meters.model = prices.model
        and meters.meter = prices.meter
        and meters.service_tier = prices.service_tier
        and meters.started_on = prices.started_on
        and meters.long_context_tokens = prices.long_context_tokens
        and meters.account_id is not distinct from prices.account_id
        and meters.priced_time is not distinct from prices.priced_time
