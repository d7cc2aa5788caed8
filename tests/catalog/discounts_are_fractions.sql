-- A discount is a fraction, 0.15 for 15 %; a price is no less than nothing, and an agreement says one of them.
select
    provider,
    account_id,
    model,
    meter,
    unit_price_usd,
    discount_pct,
    valid_from
from {{ ref('negotiated_prices') }}
where
    discount_pct not between 0 and 1
    or unit_price_usd < 0
    or (unit_price_usd is null and discount_pct is null)
