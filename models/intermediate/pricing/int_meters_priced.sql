-- one row per call and meter: quantity, unit price in force and price; NULL where the book knows none
with meters as (

    select * from {{ ref('int_call_meters_unpivoted') }}

),

-- The book quotes few meters apart; the rest are priced as what they are a part of.
fallbacks (meter, priced_as, place) as (

    values
    ('input', 'input', 1), ('output', 'output', 1),
    ('cache_read', 'cache_read', 1), ('cache_read', 'input', 2),
    ('cache_write_5m', 'cache_write_5m', 1), ('cache_write_5m', 'input', 2),
    ('cache_write_1h', 'cache_write_1h', 1), ('cache_write_1h', 'cache_write_5m', 2), ('cache_write_1h', 'input', 3),
    ('reasoning', 'reasoning', 1), ('reasoning', 'output', 2),
    ('audio_input', 'audio_input', 1), ('audio_input', 'input', 2),
    ('audio_output', 'audio_output', 1), ('audio_output', 'output', 2)

),

prices as (

    select * from {{ ref('model_prices') }}

),

list_priced as (

    select
        meters.*,
        prices.unit_price_usd as list_price_usd
    from meters
    left join fallbacks on meters.meter = fallbacks.meter
    left join prices
        on
            meters.provider = prices.provider
            and meters.started_on is not null
            and meters.model = prices.model
            and fallbacks.priced_as = prices.meter
            and prices.service_tier in (meters.service_tier, 'standard')
            and (prices.context_over_tokens = 0 or meters.context_tokens > prices.context_over_tokens)
            and {{ in_force('prices', 'meters.started_on') }}
            and (
                prices.daily_from is null
                or (
                    prices.daily_from < prices.daily_to
                    and meters.started_time >= prices.daily_from and meters.started_time < prices.daily_to
                )
                or (
                    prices.daily_from > prices.daily_to
                    and (meters.started_time >= prices.daily_from or meters.started_time < prices.daily_to)
                )
            )
    qualify row_number() over (
        partition by meters.call_id, meters.meter
        order by
            prices.unit_price_usd is null,
            fallbacks.place,
            (prices.service_tier = meters.service_tier) desc,
            prices.context_over_tokens desc,
            (prices.daily_from is not null) desc,
            prices.valid_from desc nulls last,
            prices.unit_price_usd desc
    ) = 1

),

negotiated as (

    select * from {{ ref('negotiated_prices') }}

),

-- A negotiated price before a discount, the more exactly named before the broader.
overlaid as (

    select
        list_priced.*,
        negotiated.unit_price_usd as negotiated_price_usd,
        negotiated.discount_pct
    from list_priced
    left join negotiated
        on
            list_priced.provider = negotiated.provider
            and {{ matches('list_priced.account_id', 'negotiated.account_id') }}
            and {{ matches('list_priced.model', 'negotiated.model') }}
            and {{ matches('list_priced.meter', 'negotiated.meter') }}
            and {{ in_force('negotiated', 'list_priced.started_on') }}
    qualify row_number() over (
        partition by list_priced.call_id, list_priced.meter
        order by
            (negotiated.unit_price_usd is not null) desc,
            (negotiated.account_id is not null) desc,
            length(negotiated.model) desc nulls last,
            (negotiated.meter is not null) desc,
            negotiated.valid_from desc nulls last,
            negotiated.discount_pct desc
    ) = 1

),

unit_priced as (

    select
        *,
        cast(
            coalesce(negotiated_price_usd, list_price_usd * (1 - coalesce(discount_pct, 0))) as decimal(18, 12)
        ) as unit_price_usd
    from overlaid

)

select
    call_id,
    meter,
    quantity,
    unit_price_usd,
    {{ money('quantity * unit_price_usd') }} as priced_usd
from unit_priced
