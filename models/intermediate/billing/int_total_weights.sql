{{ replaces_touched("charged_on", by="read_day") }}
with counted as (

    select
        usage.*,
        {{ whole_number(money('usage.quantity * prices.unit_price_usd') ~ ' * 1000000000000') }} as weight
    from {{ ref('int_usage_of_totals') }} as usage
    inner join {{ ref('int_unit_prices') }} as prices
        on
            usage.provider = prices.provider
            and usage.account_id is not distinct from prices.account_id
            and usage.model = prices.model
            and usage.call_meter = prices.meter
            and coalesce(usage.price_tier, 'standard') = prices.service_tier
            and usage.charged_on = prices.priced_on
            and usage.long_context_tokens = prices.long_context_tokens
            and prices.priced_time is null and prices.tool_meter is null
            and prices.inference_geo is null
    where {{ is_touched('usage.charged_on', 'read_day') }}

)

-- Usage without a price in the book gets no part. If nothing has a price, the total is not itemised.
select
    *,
    sum(weight) over (partition by charge_id) as total_weight,
    row_number() over (
        partition by charge_id
        order by {{ in_order('model, meter, price_tier, context_side, context_limit, inference_geo, api_key') }}
    ) as part_no
from counted
where weight > 0
