-- one row per invoice: its amount beside the charges that name it, or of its account and period
with invoices as (

    select
        invoices.*,
        coalesce(invoices.credit_of, invoices.invoice_id) as settles_invoice_id,
        invoices.credit_of is not null as is_credit_note
    from {{ ref('stg_finance__invoices') }} as invoices

),

rates as (

    select
        invoices.invoice_id,
        max_by(fx_rates.usd_per_unit, fx_rates.rate_on) as usd_per_unit
    from invoices
    inner join {{ ref('fx_rates') }} as fx_rates
        on invoices.currency = upper(fx_rates.currency) and invoices.issued_on >= fx_rates.rate_on
    group by invoices.invoice_id

),

credited as (

    select distinct settles_invoice_id
    from invoices
    where is_credit_note

),

charges as (

    select * from {{ ref('int_charges_sorted') }}
    where treatment not in ('superseded', 'gateway')

),

-- A charge belongs to the invoice that it names, else to the one of its account and day. Credits go to a credit note
-- where one was issued.
billed as (

    select
        invoices.invoice_id,
        sum(case when charges.category = 'tax' then charges.billed_usd else 0 end) as tax_usd,
        sum(case
            when charges.category is distinct from 'tax' and charges.billed_amount >= 0
                then charges.billed_usd
            else 0
        end) as charges_usd,
        sum(case
            when charges.category is distinct from 'tax' and charges.billed_amount < 0
                then charges.billed_usd
            else 0
        end) as credit_usd,
        sum(case when charges.currency = invoices.currency then charges.billed_amount else 0 end) as amount,
        sum(case when charges.currency = invoices.currency then charges.billed_usd else 0 end) as amount_usd,
        count(*) filter (where charges.is_rounded) as rounded_charges
    from invoices
    left join credited on invoices.invoice_id = credited.settles_invoice_id
    inner join charges
        on
            invoices.provider = charges.provider
            and (
                charges.invoice_id in (invoices.invoice_id, invoices.settles_invoice_id)
                or (
                    charges.invoice_id is null
                    and coalesce(invoices.account_id, charges.account_id) = charges.account_id
                    and charges.charged_on between invoices.period_start and invoices.period_end
                )
            )
            and case
                when invoices.is_credit_note then charges.billed_amount < 0
                when credited.settles_invoice_id is not null then charges.billed_amount >= 0
                else true
            end
    group by invoices.invoice_id

)

select
    invoices.invoice_id,
    invoices.provider,
    invoices.account_id,
    invoices.period_start,
    invoices.period_end,
    invoices.currency,
    invoices.credit_of,
    cast(case invoices.currency when 'USD' then 1 else rates.usd_per_unit end as decimal(18, 9)) as usd_per_unit,
    invoices.amount as invoice_amount,
    invoices.tax,
    coalesce(billed.tax_usd, 0) as billed_tax_usd,
    coalesce(billed.charges_usd, 0) as charges_usd,
    coalesce(billed.credit_usd, 0) as credit_usd,
    coalesce(billed.amount, 0) as billed_amount,
    coalesce(billed.amount_usd, 0) as billed_amount_usd,
    coalesce(billed.rounded_charges, 0) as rounded_charges
from invoices
left join rates on invoices.invoice_id = rates.invoice_id
left join billed on invoices.invoice_id = billed.invoice_id
