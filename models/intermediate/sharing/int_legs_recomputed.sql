-- one row per movement and side: the leg as today's inputs say it, in the month of its bill, closed or not
{{ config(materialized="view") }}
with movements as (

    select * from {{ ref('int_movements_listed') }}

),

legs as (

    select
        movements.*,
        sides.side,
        case sides.side when 'debit' then movements.debit_account else movements.credit_account end as account,
        case sides.side when 'debit' then movements.debit_team_id else movements.credit_team_id end as team_id,
        case sides.side when 'debit' then movements.credit_team_id else movements.debit_team_id end as other_team_id,
        case sides.side when 'debit' then movements.amount_usd else -movements.amount_usd end as leg_usd
    from movements
    cross join (values ('debit'), ('credit')) as sides (side)

)

select
    {{ entry_key(['legs.cost_id', 'legs.kind', 'legs.step', 'legs.side', 'legs.team_id', 'legs.other_team_id']) }}
        as entry_id,
    legs.cost_id || ':' || legs.kind as journal_id,
    costs.posted_month,
    costs.incurred_on,
    legs.account,
    legs.side,
    legs.team_id,
    case when legs.other_team_id != legs.team_id then legs.other_team_id end as counterparty_team_id,
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
    {{ money('legs.leg_usd') }} as amount_usd
from legs
inner join {{ ref('int_costs_journalled') }} as costs on legs.cost_id = costs.cost_id
