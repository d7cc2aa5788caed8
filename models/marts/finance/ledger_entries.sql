-- one row per journal and leg: debits positive, credits negative, each journal sums to zero
with costs as (

    select
        *,
        case
            when bearer_team_id = payer_team_id then bearer_team_id
            else {{ transfer_chain('bearer_team_id', 'team_path', 'payer_team_id') }}
        end as chain
    from {{ ref('int_costs_journalled') }}

),

chains as (

    select distinct chain from costs

),

steps as (

    {{ path_steps('chains') }}

),

movements as (

    -- What the provider bills, or will: the payer's cost.
    select
        cost_id,
        case basis when 'billed' then 'bill' else 'accrual' end as kind,
        0 as step,
        'ai_cost' as debit_account,
        payer_team_id as debit_team_id,
        case basis when 'billed' then 'provider_payable' else 'accrued_payable' end as credit_account,
        payer_team_id as credit_team_id,
        amount_usd
    from costs

    union all

    -- Each hop from the bearer to the payer: the callee charges the caller.
    select
        costs.cost_id,
        'transfer' as kind,
        steps.step,
        'ai_cost' as debit_account,
        steps.caller as debit_team_id,
        'ai_cost' as credit_account,
        steps.callee as credit_team_id,
        costs.amount_usd
    from costs
    inner join steps on costs.chain = steps.chain

    union all

    -- The quality pool takes over what it funds.
    select
        cost_id,
        'pool_credit' as kind,
        0 as step,
        'ai_cost' as debit_account,
        'quality_pool' as debit_team_id,
        'ai_cost' as credit_account,
        bearer_team_id as credit_team_id,
        amount_usd
    from {{ ref('int_pool_credits') }}
    where amount_usd != 0

),

legs as (

    select
        cost_id,
        kind,
        step,
        'debit' as side,
        debit_account as account,
        debit_team_id as team_id,
        credit_team_id as counterparty_team_id,
        amount_usd
    from movements

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
    from movements

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
inner join costs on legs.cost_id = costs.cost_id
