-- one row per incurred month and feature (sentinels included; the quality pool's row has its credits)
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
        {{ common_basis() }} as basis
    from {{ ref('feature_pnl_by_cohort_monthly') }}
    group by month, feature_id

),

-- A user or request of two cohorts is one of the feature.
counted as (

    select
        month,
        feature_id,
        max(feature_answers) as answers,
        sum(stated_answers) as stated_answers,
        max(feature_users) as users
    from {{ ref('int_feature_cohort_months') }}
    group by month, feature_id

),

joined as (

    select
        month,
        feature_id,
        sum(answers) as answers
    from {{ ref('int_answers_joined') }}
    group by month, feature_id

)

select
    summed.month,
    summed.feature_id,
    {{ pnl_lines() }},
    cast(counted.answers as bigint) as answers,
    cast(counted.stated_answers as bigint) as answers_stated,
    cast(coalesce(joined.answers, 0) as double) / nullif(counted.stated_answers, 0) as answers_join_pct,
    cast(counted.users as bigint) as users,
    summed.basis
from summed
left join counted on summed.month = counted.month and summed.feature_id = counted.feature_id
left join joined on summed.month = joined.month and summed.feature_id = joined.feature_id
