-- Identity 1: what calls were billed, plus what they stand for of dropped ones, plus what stays untraced, invoice-only
-- or rounded, plus own capacity that is idle and what was paid ahead, is the bill, line by line.
with standing as (

    select
        line_id,
        charge_id
    from {{ ref('int_itemised_charges') }}
    where
        line_id in (
            select touched.line_id from {{ ref('int_itemised_charges') }} as touched
            where {{ is_touched('touched.charged_on', 'touched_day') }}
            union
            select retired.line_id from {{ ref('int_charges_retired') }} as retired
            where {{ is_touched('retired.charged_on', 'touched_day') }}
        )

),

landed as (

    select
        line_id,
        billed_usd
    from {{ ref('int_classified_charges') }}
    where
        treatment in ('call', 'shared', 'invoice_only', 'own_capacity')
        and ({{ is_touched('charged_on', 'touched_day') }} or line_id in (select standing.line_id from standing))

),

settled as (

    select
        charges.line_id,
        sum(
            settled.attributed_usd + settled.sampled_usd + settled.idle_usd + settled.untraced_usd
            + settled.invoice_only_usd + settled.rounding_usd
        ) as explained_usd,
        sum(settled.prepaid_usd) as prepaid_usd
    from {{ ref('int_charge_settlements') }} as settled
    inner join standing as charges on settled.charge_id = charges.charge_id
    group by charges.line_id

),

-- Of a retired month the ledger has the bills' sum (int_retired_costs).
retired as (

    select
        line_id,
        sum(billed_usd + prepaid_usd) as retired_usd
    from {{ ref('int_charges_retired') }}
    group by line_id

)

select
    landed.*,
    settled.explained_usd,
    settled.prepaid_usd,
    retired.retired_usd
from landed
full outer join settled on landed.line_id = settled.line_id
left join retired on coalesce(landed.line_id, settled.line_id) = retired.line_id
where
    landed.billed_usd is distinct from case
        when settled.line_id is null then retired.retired_usd
        else settled.explained_usd + settled.prepaid_usd + coalesce(retired.retired_usd, 0)
    end
