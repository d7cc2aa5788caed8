-- one row per invoice and charge that it is for: the charge, or its part where several invoices could be for it
{{ config(materialized="kept", meta={"rebuilt_at_news_of": "bills"}) }}
with stated as (

    select * from {{ ref('stg_finance__invoices') }}

),

invoices as (

    select
        *,
        coalesce(credit_of, invoice_id) as settles_invoice_id,
        credit_of is not null as is_credit_note,
        coalesce(credit_of, invoice_id) in (
            select notes.credit_of
            from stated as notes
            where notes.credit_of is not null
        ) as is_credited
    from stated

),

-- A charge belongs to the invoice that it names, else to those of its account and day. Credits go to the credit notes
-- where there are any.
matched as (

    select
        charges.line_id,
        charges.currency = invoices.currency as is_same_currency,
        charges.category,
        charges.billed_amount,
        charges.billed_usd,
        charges.is_rounded,
        invoices.invoice_id,
        greatest(cast(abs(invoices.amount) * 100 as bigint), 1) as weight,
        sum(greatest(cast(abs(invoices.amount) * 100 as bigint), 1)) over (partition by charges.line_id) as total_weight
    from invoices
    inner join {{ ref('int_charges_sorted') }} as charges
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

-- What several invoices could be for is parted by their amounts.
parted as (

    select
        *,
        {{ floored_part('billed_amount', 'weight', 'total_weight') }} as part_amount,
        {{ floored_part('billed_usd', 'weight', 'total_weight') }} as part_usd
    from matched

)

select
    invoice_id,
    line_id,
    category,
    is_same_currency,
    is_rounded,
    billed_amount,
    {{ part_with_residue('billed_amount', 'part_amount', 'weight', 'line_id', 'invoice_id') }} as amount,
    {{ part_with_residue('billed_usd', 'part_usd', 'weight', 'line_id', 'invoice_id') }} as usd
from parted
