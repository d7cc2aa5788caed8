-- one row per incurred month and feature (sentinels included)
with summed as (

    select
        month,
        feature_id,
        sum(revenue_usd) as revenue_usd,
        sum(production_usd) as production_usd,
        sum(evaluation_usd) as evaluation_usd,
        sum(eval_pool_credit_usd) as eval_pool_credit_usd,
        sum(development_usd) as development_usd,
        sum(unattributed_usd) as unattributed_usd,
        sum(shared_usd) as shared_usd,
        sum(answers) as answers,
        sum(users) as users,
        case
            when count(distinct nullif(basis, 'unpriced')) > 1 then 'mixed'
            else coalesce(min(nullif(basis, 'unpriced')), 'unpriced')
        end as basis
    from {{ ref('feature_pnl_by_cohort_monthly') }}
    group by month, feature_id

)

select
    month,
    feature_id,
    {{ pnl_lines() }},
    cast(answers as bigint) as answers,
    cast(users as bigint) as users,
    basis
from summed
