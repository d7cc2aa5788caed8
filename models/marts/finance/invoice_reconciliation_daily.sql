{% set levels = [
    'cost_driver', 'adjacent_day', 'day', 'account_day', 'key_day', 'day_model_meter', 'day_model_meter_tier',
    'account_day_model_meter', 'account_day_model_meter_tier', 'key_day_model_meter', 'key_day_model_meter_tier',
    'response_id'
] %}
with parts as (

    select * from {{ ref('int_bill_variances') }}

)

select
    usage_on,
    provider,
    account_id,
    model,
    meter,
    {{ money('sum(billed_usd)') }} as billed_usd,
    {{ money('sum(coalesce(priced_usd, 0))') }} as priced_usd,
    {{ money('sum(attributed_usd)') }} as attributed_usd,
    {{ money('sum(sampled_usd)') }} as sampled_usd,
    {{ money('sum(untraced_usd)') }} as untraced_usd,
    {{ money('sum(idle_usd)') }} as idle_usd,
    {{ money('sum(coalesce(overtraced_usd, 0))') }} as overtraced_usd,
    {{ money('sum(invoice_only_usd)') }} as invoice_only_usd,
    {{ money('sum(credit_usd)') }} as credit_usd,
    {{ money('0') }} as fx_gap_usd,
    {{ money('sum(rounding_usd)') }} as rounding_usd,
    {{ money('''sum(
        billed_usd - coalesce(priced_usd, 0) - sampled_usd - untraced_usd - idle_usd
        - coalesce(overtraced_usd, 0)
        - quantity_gap_usd - invoice_only_usd - credit_usd - timing_gap_usd - rounding_usd
    )''') }} as price_gap_usd,
    {{ money('sum(quantity_gap_usd)') }} as quantity_gap_usd,
    {{ money('sum(timing_gap_usd)') }} as timing_gap_usd,
    cast(sum(billed_quantity) as bigint) as billed_quantity,
    cast(sum(traced_quantity) as bigint) as traced_quantity,
    -- The coarsest level at which anything met; what met nothing stands in its own column.
    coalesce({% for level in levels %}
        max(case when match_level = '{{ level }}' then match_level end){{ ', ' if not loop.last }}
    {% endfor %}, 'none') as match_level,
    cast(sum(unpriced_calls) as bigint) as unpriced_calls
from parts
group by usage_on, provider, account_id, model, meter
-- A bucket without use is a bill's silence, not a line.
having sum(billed_usd) != 0 or sum(billed_quantity) != 0 or sum(traced_quantity) != 0
