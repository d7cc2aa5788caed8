-- one row per day, provider, account, model and meter of a bill: billed against priced, and every cause of the gap
with parts as (

    select * from {{ ref('int_gaps_explained') }}

)

select
    usage_on,
    provider,
    account_id,
    model,
    meter,
    {{ money('sum(billed_usd)') }} as billed_usd,
    {{ money('sum(priced_usd)') }} as priced_usd,
    {{ money('sum(attributed_usd)') }} as attributed_usd,
    {{ money('sum(untraced_usd)') }} as untraced_usd,
    {{ money('sum(overtraced_usd)') }} as overtraced_usd,
    {{ money('0') }} as invoice_only_usd,
    {{ money('0') }} as credit_usd,
    {{ money('0') }} as fx_gap_usd,
    {{ money('0') }} as rounding_usd,
    {{ money('sum(billed_usd - priced_usd - untraced_usd - overtraced_usd - quantity_gap_usd)') }} as price_gap_usd,
    {{ money('sum(quantity_gap_usd)') }} as quantity_gap_usd,
    {{ money('0') }} as timing_gap_usd,
    cast(sum(billed_quantity) as bigint) as billed_quantity,
    cast(sum(traced_quantity) as bigint) as traced_quantity,
    -- The coarsest level at which anything met; what met nothing stands in its own column.
    case max(level_no) when 1 then 'response_id' when 2 then 'account_day_model_meter' else 'none' end as match_level,
    cast(sum(unpriced_calls) as bigint) as unpriced_calls
from parts
group by usage_on, provider, account_id, model, meter
