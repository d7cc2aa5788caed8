with pnl as (

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
        sum(sampled_usd) as sampled_usd,
        {{ common_basis() }} as basis
    from {{ ref('feature_pnl_by_cohort_monthly') }}
    group by month, feature_id

),

-- Users and answers are counted per feature, because one of two cohorts is still one of the feature.
feature_counts as (

    select
        month,
        feature_id,
        max(feature_answers) as answers,
        sum(stated_answers) as stated_answers,
        max(feature_users) as users
    from {{ ref('int_feature_cohort_months') }}
    group by month, feature_id

),

event_answers as (

    select
        month,
        feature_id,
        sum(answers) as answers
    from {{ ref('int_usage_event_traces') }}
    where place = 1 and method != 'none'
    group by month, feature_id

)

select
    pnl.month,
    pnl.feature_id,
    {{ pnl_lines() }},
    cast(feature_counts.answers as bigint) as answers,
    cast(feature_counts.stated_answers as bigint) as answers_stated,
    cast(coalesce(event_answers.answers, 0) as double) / nullif(feature_counts.stated_answers, 0) as answers_join_pct,
    cast(feature_counts.users as bigint) as users,
    pnl.basis
from pnl
left join feature_counts on pnl.month = feature_counts.month and pnl.feature_id = feature_counts.feature_id
left join event_answers on pnl.month = event_answers.month and pnl.feature_id = event_answers.feature_id
