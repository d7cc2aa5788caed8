{{ replaces_touched("used_on", by="touched_day") }}
with lines as (

    select
        started_on as used_on,
        provider,
        month_end_usd as accrued_usd,
        case when month_end_usd is null then 1 else 0 end as unpriced_calls
    from {{ ref('int_call_costs') }}
    where is_in_bill and {{ is_touched('started_on', 'touched_day') }}

    union all

    -- Use that usage files count beyond the calls.
    select
        usage_on as used_on,
        provider,
        month_end_usd as accrued_usd,
        0 as unpriced_calls
    from {{ ref('int_accrued_usage') }}
    where not is_unbilled and {{ is_touched('usage_on', 'touched_day') }}

)

select
    used_on,
    provider,
    {{ money('sum(coalesce(accrued_usd, 0))') }} as accrued_usd,
    cast(sum(unpriced_calls) as bigint) as unpriced_calls
from lines
group by used_on, provider
