-- one row per invoice: its amount beside the charges that name it, or of its account and period
{{ config(materialized="kept", meta={"rebuilt_at_news_of": "bills"}) }}
with invoices as (

    select * from {{ ref('stg_finance__invoices') }}

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

billed as (

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
    from {{ ref('int_invoices_matched') }}
    group by invoice_id

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
    -- Tax that the invoice states is at the invoice's rate already: its lines make no exchange difference.
    {% for amount in ['amount', 'amount_usd'] %}
        coalesce(billed.{{ amount }} - case when invoices.tax != 0 then billed.tax_{{ amount }} else 0 end, 0)
            as billed_{{ amount }},
    {% endfor %}
    coalesce(billed.rounded_charges, 0) as rounded_charges
from invoices
left join rates on invoices.invoice_id = rates.invoice_id
left join billed on invoices.invoice_id = billed.invoice_id
