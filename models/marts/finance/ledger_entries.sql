-- one row per journal and leg: debits positive, credits negative, each journal sums to zero
with legs as (

    select
        cost_id,
        kind,
        step,
        'debit' as side,
        debit_account as account,
        debit_team_id as team_id,
        credit_team_id as counterparty_team_id,
        amount_usd
    from {{ ref('int_movements_listed') }}

    union all

    select
        cost_id,
        kind,
        step,
        'credit' as side,
        credit_account as account,
        credit_team_id as team_id,
        debit_team_id as counterparty_team_id,
        -amount_usd as amount_usd
    from {{ ref('int_movements_listed') }}

)

select
    {{ entry_key(['legs.cost_id', 'legs.kind', 'legs.step', 'legs.side']) }} as entry_id,
    legs.cost_id || ':' || legs.kind as journal_id,
    cast(date_trunc('month', costs.incurred_on) as date) as posted_month,
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
