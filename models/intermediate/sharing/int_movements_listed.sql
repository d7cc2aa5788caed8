-- one row per movement: what one account's team takes over from another's (bill, accrual, transfer, share, credit)
{{ config(materialized="view") }}
with costs as (

    select
        *,
        case
            when bearer_team_id = payer_team_id then bearer_team_id
            else {{ transfer_chain('bearer_team_id', 'team_path', 'payer_team_id') }}
        end as chain
    from {{ ref('int_costs_journalled') }}
    where {{ is_touched('incurred_on', 'posted_day') }}

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
    where amount_usd != 0

    union all

    -- Paid before it is used, or used after it was paid: purchases and commitments.
    select
        cost_id,
        'prepayment' as kind,
        0 as step,
        'prepaid' as debit_account,
        payer_team_id as debit_team_id,
        'provider_payable' as credit_account,
        payer_team_id as credit_team_id,
        prepaid_usd as amount_usd
    from costs
    where prepaid_usd != 0

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

    -- What a sharing rule spreads, the payer's own part too: each team sees its part.
    select
        cost_id,
        'share' as kind,
        {{ row_key('team_id') }} as step,
        'ai_cost' as debit_account,
        team_id as debit_team_id,
        'ai_cost' as credit_account,
        payer_team_id as credit_team_id,
        amount_usd
    from {{ ref('int_costs_shared') }}
    where amount_usd != 0 and {{ is_touched('incurred_on', 'posted_day') }}

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
    where amount_usd != 0 and {{ is_touched('incurred_on', 'posted_day') }}

)

select * from movements
