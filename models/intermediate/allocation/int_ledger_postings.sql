{{ config(materialized="view") }}
{% set keys = [
    'cost_id', 'posted_month', 'incurred_on', 'provider', 'account_id', 'model', 'feature_id', 'team_path',
    'payer_team_id', 'bearer_team_id', 'purpose', 'basis', 'is_sampled'
] %}
{% set cost = keys + ['amount_usd', 'prepaid_usd'] %}
with all_costs as (

    select
        {{ cost | join(',\n        ') }}
    from {{ ref('int_daily_costs') }}

    union all

    select
        {{ cost | join(',\n        ') }}
    from {{ ref('int_retired_costs') }}

),

costs as (

    select
        *,
        case
            when bearer_team_id = payer_team_id then bearer_team_id
            else {{ transfer_chain('bearer_team_id', 'team_path', 'payer_team_id') }}
        end as chain
    from all_costs
    where {{ is_touched('incurred_on', 'posted_day') }}

),

-- Adjustments are posted on the first day of their month. They belong to no provider's bill and to no feature.
adjustments as (

    select
        {{ entry_key(["'adjustment'", 'month', 'from_team', 'to_team', 'reason']) }} as cost_id,
        month as posted_month,
        month as incurred_on,
        'internal' as provider,
        cast(null as string) as account_id,
        cast(null as string) as model,
        'adjustment' as feature_id,
        '' as team_path,
        from_team as payer_team_id,
        to_team as bearer_team_id,
        'unknown' as purpose,
        'billed' as basis,
        false as is_sampled,
        {{ money('amount_usd') }} as amount_usd
    from {{ ref('adjustments') }}
    where {{ is_touched('month', 'posted_day') }}

),

chains as (

    select distinct chain from costs

),

chain_steps as (

    {{ path_steps('chains') | indent }}

),

movements as (

    -- The payer bears what the provider bills, or will bill.
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

    -- Purchases and commitments are paid before or after they are used.
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

    -- On each hop from the bearer to the payer, the callee charges the caller.
    select
        costs.cost_id,
        'transfer' as kind,
        chain_steps.step,
        'ai_cost' as debit_account,
        chain_steps.caller as debit_team_id,
        'ai_cost' as credit_account,
        chain_steps.callee as credit_team_id,
        costs.amount_usd
    from costs
    inner join chain_steps on costs.chain = chain_steps.chain

    union all

    -- Each team sees its part of a shared cost; so does the payer, of whose cost it is a part.
    select
        cost_id,
        'share' as kind,
        {{ row_key('team_id') }} as step,
        'ai_cost' as debit_account,
        team_id as debit_team_id,
        'ai_cost' as credit_account,
        payer_team_id as credit_team_id,
        amount_usd
    from {{ ref('int_shared_costs') }}
    where amount_usd != 0 and {{ is_touched('incurred_on', 'posted_day') }}

    union all

    -- The quality pool takes over the evaluations that it funds.
    select
        cost_id,
        'pool_credit' as kind,
        0 as step,
        'ai_cost' as debit_account,
        'quality_pool' as debit_team_id,
        'ai_cost' as credit_account,
        bearer_team_id as credit_team_id,
        amount_usd
    from {{ ref('int_eval_credits') }}
    where amount_usd != 0 and {{ is_touched('incurred_on', 'posted_day') }}

    union all

    -- The team that bears less charges the one that bears more.
    select
        cost_id,
        'adjustment' as kind,
        0 as step,
        'ai_cost' as debit_account,
        bearer_team_id as debit_team_id,
        'ai_cost' as credit_account,
        payer_team_id as credit_team_id,
        amount_usd
    from adjustments

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

),

posted as (

    select
        {{ keys | join(',\n        ') }}
    from costs

    union all

    select
        {{ keys | join(',\n        ') }}
    from adjustments

)

select
    {{ entry_key(['legs.cost_id', 'legs.kind', 'legs.step', 'legs.side', 'legs.team_id', 'legs.other_team_id']) }}
        as entry_id,
    legs.cost_id || ':' || legs.kind as journal_id,
    posted.posted_month,
    posted.incurred_on,
    legs.account,
    legs.side,
    legs.team_id,
    case when legs.other_team_id != legs.team_id then legs.other_team_id end as counterparty_team_id,
    posted.feature_id,
    posted.provider,
    posted.account_id,
    posted.model,
    posted.team_path,
    posted.payer_team_id,
    posted.bearer_team_id,
    posted.purpose,
    legs.kind,
    posted.basis,
    posted.is_sampled,
    {{ money('legs.leg_usd') }} as amount_usd
from legs
inner join posted on legs.cost_id = posted.cost_id
