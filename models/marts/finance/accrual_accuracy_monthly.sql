with lines as (

    select
        used_on,
        provider,
        accrued_usd,
        0 as billed_usd,
        0 as invoice_only_usd,
        unpriced_calls
    from {{ ref('int_accruals_of_billed_days') }}

    union all

    select
        charged_on as used_on,
        provider,
        0 as accrued_usd,
        billed_usd,
        invoice_only_usd,
        0 as unpriced_calls
    from {{ ref('int_charge_settlements') }}

),

months as (

    select
        cast(date_trunc('month', used_on) as date) as month,
        provider,
        sum(accrued_usd) as accrued_usd,
        sum(billed_usd) as billed_usd,
        sum(invoice_only_usd) as invoice_only_usd,
        sum(unpriced_calls) as unpriced_calls
    from lines
    where {{ is_kept('used_on') }}
    group by cast(date_trunc('month', used_on) as date), provider

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
