{{ config(materialized="kept", meta={"rebuilt_at_news_of": "bills"}) }}
with all_invoices as (

    select * from {{ ref('stg_finance__invoices') }}

),

invoices as (

    select
        *,
        coalesce(credit_of, invoice_id) as settles_invoice_id,
        credit_of is not null as is_credit_note,
        coalesce(credit_of, invoice_id) in (
            select notes.credit_of
            from all_invoices as notes
            where notes.credit_of is not null
        ) as is_credited
    from all_invoices

),

-- A charge belongs to the invoice that it names, else to those of its account and day. Credits go to the credit notes
-- where there are any.
matched_charges as (

    select
        charges.line_id,
        charges.currency = invoices.currency as is_same_currency,
        charges.category,
        charges.billed_amount,
        charges.billed_usd,
        charges.is_rounded,
        invoices.invoice_id,
        greatest(cast(abs(invoices.amount) * 100 as bigint), 1) as weight
    from invoices
    inner join {{ ref('int_classified_charges') }} as charges
        on
            invoices.provider = charges.provider
            and (
                charges.invoice_id in (invoices.invoice_id, invoices.settles_invoice_id)
                or (
                    charges.invoice_id is null
                    and (
                        invoices.account_id is null or charges.is_account_unknown
                        or invoices.account_id in (charges.account_id, charges.bill_account_id)
                    )
                    and charges.charged_on between invoices.period_start and invoices.period_end
                )
            )
            and case
                when invoices.is_credit_note then charges.billed_amount < 0
                else charges.billed_amount >= 0 or not invoices.is_credited
            end
    where charges.treatment not in ('superseded', 'gateway')

),

-- A charge that several invoices could be for is split among them in proportion to their amounts.
split_charges as (

    {{ allocate('matched_charges', {'amount': 'billed_amount', 'usd': 'billed_usd'}, weight='weight',
        within=['line_id'], tie_breaker=['invoice_id']) | indent }}

)

select
    invoice_id,
    line_id,
    category,
    is_same_currency,
    is_rounded,
    billed_amount,
    amount,
    usd
from split_charges
