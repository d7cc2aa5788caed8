{{ replaces_touched("month", by="month") }}
with lines as (

    select
        cast(date_trunc('month', started_on) as date) as month,
        provider,
        month_end_usd as accrued_usd,
        0 as billed_usd,
        0 as invoice_only_usd,
        case when month_end_usd is null then 1 else 0 end as unpriced_calls
    from {{ ref('int_call_costs') }}
    where is_in_bill

    union all

    -- Use that usage files count beyond the calls.
    select
        cast(date_trunc('month', usage_on) as date) as month,
        provider,
        month_end_usd as accrued_usd,
        0 as billed_usd,
        0 as invoice_only_usd,
        0 as unpriced_calls
    from {{ ref('int_accrued_usage') }}
    where not is_unbilled

    union all

    select
        cast(date_trunc('month', charged_on) as date) as month,
        provider,
        0 as accrued_usd,
        billed_usd,
        invoice_only_usd,
        0 as unpriced_calls
    from {{ ref('int_charge_settlements') }}
    where {{ is_kept('charged_on') }}

),

months as (

    select
        month,
        provider,
        sum(coalesce(accrued_usd, 0)) as accrued_usd,
        sum(billed_usd) as billed_usd,
        sum(invoice_only_usd) as invoice_only_usd,
        sum(unpriced_calls) as unpriced_calls
    from lines
    where {{ is_touched('month', 'month') }}
    group by month, provider

)

select
    month,
    provider,
    {{ money('accrued_usd') }} as accrued_usd,
    {{ money('billed_usd') }} as billed_usd,
    {{ money('invoice_only_usd') }} as invoice_only_usd,
    cast(unpriced_calls as bigint) as unpriced_calls,
    cast(accrued_usd - billed_usd as double) / nullif(cast(billed_usd as double), 0) as error_pct
from months
