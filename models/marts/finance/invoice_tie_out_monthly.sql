with invoices as (

    select * from {{ ref('stg_finance__invoices') }}

),

-- The newest rate up to the day of issue.
exchange_rates as (

    select
        invoices.invoice_id,
        max_by(fx_rates.usd_per_unit, fx_rates.rate_on) as usd_per_unit
    from invoices
    inner join {{ ref('fx_rates') }} as fx_rates
        on invoices.currency = upper(fx_rates.currency) and invoices.issued_on >= fx_rates.rate_on
    group by invoices.invoice_id

),

charges_per_invoice as (

    select
        invoice_id,
        sum(case when category = 'tax' then usd else 0 end) as tax_usd,
        sum(case when category is distinct from 'tax' and billed_amount >= 0 then usd else 0 end) as charges_usd,
        sum(case when category is distinct from 'tax' and billed_amount < 0 then usd else 0 end) as credit_usd,
        sum(case when is_same_currency then amount else 0 end) as amount,
        sum(case when is_same_currency then usd else 0 end) as amount_usd,
        sum(case when is_same_currency and category = 'tax' then amount else 0 end) as tax_amount,
        sum(case when is_same_currency and category = 'tax' then usd else 0 end) as tax_amount_usd,
        count(*) filter (where is_rounded) as rounded_charges
    from {{ ref('int_invoice_charges') }}
    group by invoice_id

),

invoice_charges as (

    select
        invoices.*,
        cast(case invoices.currency when 'USD' then 1 else rates.usd_per_unit end as decimal(18, 9)) as usd_per_unit,
        coalesce(charges.tax_usd, 0) as billed_tax_usd,
        coalesce(charges.charges_usd, 0) as charges_usd,
        coalesce(charges.credit_usd, 0) as credit_usd,
        -- Tax that the invoice states is at the invoice's rate already: its lines make no exchange difference.
        coalesce(charges.amount - case when invoices.tax != 0 then charges.tax_amount else 0 end, 0) as billed_amount,
        coalesce(charges.amount_usd - case when invoices.tax != 0 then charges.tax_amount_usd else 0 end, 0)
            as billed_amount_usd,
        coalesce(charges.rounded_charges, 0) as rounded_charges
    from invoices
    left join exchange_rates as rates on invoices.invoice_id = rates.invoice_id
    left join charges_per_invoice as charges on invoices.invoice_id = charges.invoice_id

),

explained_invoices as (

    select
        *,
        {{ money('amount * usd_per_unit') }} as invoice_usd,
        -- Use the tax stated on the invoice, else the bill's tax lines.
        {{ money('case when tax != 0 then tax * usd_per_unit else billed_tax_usd end') }} as tax_usd,
        -- The same charges at the invoice's rate.
        {{ money('billed_amount * usd_per_unit - billed_amount_usd') }} as fx_usd
    from invoice_charges

),

remainders as (

    select
        *,
        {{ money('invoice_usd - charges_usd - tax_usd - credit_usd - fx_usd') }} as rest_usd
    from explained_invoices

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
    -- Invoices are in whole cents; some providers round each row of their bill.
    {{ money('case when abs(rest_usd) <= 0.005 * (1 + rounded_charges) then rest_usd else 0 end') }} as rounding_usd,
    {{ money('case when abs(rest_usd) <= 0.005 * (1 + rounded_charges) then 0 else rest_usd end') }} as unexplained_usd
from remainders
