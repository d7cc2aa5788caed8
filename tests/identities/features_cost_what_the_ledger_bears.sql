-- Identity 8: per incurred month, cost over all features and sentinels is what the ledger bears.
with features as (

    select
        month,
        sum(production_usd + evaluation_usd + development_usd + unattributed_usd + shared_usd) as cost_usd,
        sum(case when feature_id != 'quality_pool' then eval_pool_credit_usd else 0 end) as credit_usd
    from {{ ref('feature_pnl_monthly') }}
    group by month

),

ledger as (

    select
        cast(date_trunc('month', incurred_on) as date) as month,
        sum(amount_usd) as cost_usd,
        sum(case when kind = 'pool_credit' and side = 'debit' then amount_usd else 0 end) as credit_usd
    from {{ ref('ledger_entries') }}
    where account = 'ai_cost' and {{ is_kept('coalesce(corrects_month, posted_month)') }}
    group by cast(date_trunc('month', incurred_on) as date)

)

select
    features.*,
    ledger.cost_usd as ledger_usd,
    ledger.credit_usd as ledger_credit_usd
from features
full outer join ledger on features.month = ledger.month
where
    coalesce(features.cost_usd, 0) != coalesce(ledger.cost_usd, 0)
    or coalesce(features.credit_usd, 0) != coalesce(ledger.credit_usd, 0)
