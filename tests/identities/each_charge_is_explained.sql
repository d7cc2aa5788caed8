-- Identity 1: what calls were billed, plus what stays untraced, invoice-only or rounded, plus what was paid ahead, is
-- the bill, line by line.
with standing as (

    select
        line_id,
        charge_id
    from {{ ref('int_itemised_charges') }}
    where
        line_id in (
            select touched.line_id from {{ ref('int_itemised_charges') }} as touched
            where {{ is_touched('touched.charged_on', 'touched_day') }}
        )

),

landed as (

    select
        line_id,
        billed_usd
    from {{ ref('int_classified_charges') }}
    where
        treatment in ('call', 'shared', 'invoice_only')
        and ({{ is_touched('charged_on', 'touched_day') }} or line_id in (select standing.line_id from standing))

),

settled as (

    select
        charges.line_id,
        sum(settled.attributed_usd + settled.untraced_usd + settled.invoice_only_usd + settled.rounding_usd)
            as explained_usd,
        sum(settled.prepaid_usd) as prepaid_usd
    from {{ ref('int_charge_settlements') }} as settled
    inner join standing as charges on settled.charge_id = charges.charge_id
    group by charges.line_id

)

select
    landed.*,
    settled.explained_usd,
    settled.prepaid_usd
from landed
full outer join settled on landed.line_id = settled.line_id
where landed.billed_usd is distinct from settled.explained_usd + settled.prepaid_usd
