-- one row per journal and leg: debits positive, credits negative, each journal sums to zero
{{ replaces_touched("incurred_on", by="posted_day") }}
with legs as (

    select
        movements.cost_id,
        movements.kind,
        movements.step,
        sides.side,
        case sides.side when 'debit' then movements.debit_account else movements.credit_account end as account,
        case sides.side when 'debit' then movements.debit_team_id else movements.credit_team_id end as team_id,
        case sides.side when 'debit' then movements.credit_team_id else movements.debit_team_id end
            as counterparty_team_id,
        case sides.side when 'debit' then movements.amount_usd else -movements.amount_usd end as amount_usd
    from {{ ref('int_movements_listed') }} as movements
    cross join (values ('debit'), ('credit')) as sides (side)

)

select
    {{ entry_key(['legs.cost_id', 'legs.kind', 'legs.step', 'legs.side']) }} as entry_id,
    legs.cost_id || ':' || legs.kind as journal_id,
    costs.posted_month,
    costs.incurred_on,
    legs.account,
    legs.side,
    legs.team_id,
    case when legs.counterparty_team_id != legs.team_id then legs.counterparty_team_id end as counterparty_team_id,
    costs.feature_id,
    costs.provider,
    costs.account_id,
    costs.model,
    costs.team_path,
    costs.payer_team_id,
    costs.bearer_team_id,
    costs.purpose,
    legs.kind,
    costs.basis,
    {{ money('legs.amount_usd') }} as amount_usd,
    cast(null as varchar) as corrects_entry_id
from legs
inner join {{ ref('int_costs_journalled') }} as costs on legs.cost_id = costs.cost_id
