-- one row per invoice: its amount against the charges of its account and period, and what explains the rest
with compared as (

    select * from {{ ref('int_invoices_charged') }}

),

explained as (

    select
        *,
        {{ money('invoice_amount * usd_per_unit') }} as invoice_usd,
        -- The invoice states its tax; where it does not, the bill's own tax lines do.
        {{ money('case when tax != 0 then tax * usd_per_unit else billed_tax_usd end') }} as tax_usd,
        -- The same charges at the invoice's rate.
        {{ money('billed_amount * usd_per_unit - billed_amount_usd') }} as fx_usd
    from compared

),

remaining as (

    select
        *,
        {{ money('invoice_usd - charges_usd - tax_usd - credit_usd - fx_usd') }} as rest_usd
    from explained

)

select
    invoice_id,
    provider,
    account_id,
    period_start,
    period_end,
    currency,
    credit_of,
    invoice_usd,
    {{ money('charges_usd') }} as charges_usd,
    tax_usd,
    {{ money('credit_usd') }} as credit_usd,
    fx_usd,
    -- Invoices are whole cents; some providers round each row of their bill.
    {{ money('case when abs(rest_usd) <= 0.005 * (1 + rounded_charges) then rest_usd else 0 end') }} as rounding_usd,
    {{ money('case when abs(rest_usd) <= 0.005 * (1 + rounded_charges) then 0 else rest_usd end') }} as unexplained_usd
from remaining
