{{ replaces_touched("used_on", by="touched_day") }}
with counted_usage as (

    select
        usage_on,
        provider,
        model,
        sum(month_end_usd) as month_end_usd
    from {{ ref('int_accrued_usage') }}
    where not is_unbilled and {{ is_touched('usage_on', 'touched_day') }}
    group by usage_on, provider, model

),

lines as (

    -- A call stands for those that a sampler dropped, unless a usage file counts them.
    select
        calls.started_on as used_on,
        calls.provider,
        case
            when counted.provider is null then {{ money('calls.month_end_usd * coalesce(sampled.adjusted_count, 1)') }}
            else calls.month_end_usd
        end as accrued_usd,
        case when calls.month_end_usd is null then 1 else 0 end as unpriced_calls
    from {{ ref('int_call_costs') }} as calls
    left join {{ ref('int_sampled_calls') }} as sampled on calls.call_key = sampled.call_key
    left join counted_usage as counted
        on calls.started_on = counted.usage_on and calls.provider = counted.provider and calls.model = counted.model
    where calls.is_in_bill and not calls.is_represented and {{ is_touched('calls.started_on', 'touched_day') }}

    union all

    -- Use that usage files count beyond the calls.
    select
        usage_on as used_on,
        provider,
        month_end_usd as accrued_usd,
        0 as unpriced_calls
    from counted_usage

)

select
    used_on,
    provider,
    {{ money('sum(coalesce(accrued_usd, 0))') }} as accrued_usd,
    cast(sum(unpriced_calls) as bigint) as unpriced_calls
from lines
group by used_on, provider
