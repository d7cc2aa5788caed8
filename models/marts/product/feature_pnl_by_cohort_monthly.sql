-- one row per incurred month, feature, plan and segment (sentinels included; the quality pool's row has its credits)
with credits as (

    select
        paid.month,
        coalesce(chains.newest_feature_id, paid.feature_id) as feature_id,
        sum(paid.amount_usd) as credit_usd
    from {{ ref('int_pool_credits') }} as paid
    left join {{ ref('stg_catalog__feature_chains') }} as chains on paid.feature_id = chains.feature_id
    group by paid.month, coalesce(chains.newest_feature_id, paid.feature_id)

),

-- The pool funds a feature's evals; cohorts have them by what their evals cost.
weighed as (

    select
        cohorts.*,
        coalesce(credits.credit_usd, 0) as credit_usd,
        coalesce(moved.amount_usd, 0) as shared_usd,
        coalesce(joined.answers, 0) as joined_answers,
        greatest(cohorts.evaluation_usd, 0) * 1000000000000 as weight,
        sum(greatest(cohorts.evaluation_usd, 0) * 1000000000000)
            over (partition by cohorts.month, cohorts.feature_id)
            as total_weight
    from {{ ref('int_feature_cohort_months') }} as cohorts
    left join credits
        on cohorts.month = credits.month and cohorts.feature_id = credits.feature_id
    left join {{ ref('int_shares_cohorted') }} as moved
        on
            cohorts.month = moved.month
            and cohorts.feature_id = moved.feature_id
            and cohorts.plan = moved.plan
            and cohorts.segment = moved.segment
    left join {{ ref('int_answers_joined') }} as joined
        on
            cohorts.month = joined.month
            and cohorts.feature_id = joined.feature_id
            and cohorts.plan = joined.plan
            and cohorts.segment = joined.segment

),

floored as (

    select
        *,
        coalesce({{ floored_part('credit_usd', 'weight', 'total_weight') }}, 0) as part_usd
    from weighed

),

credited as (

    select
        *,
        {{ part_with_residue('credit_usd', 'part_usd', 'weight', 'month, feature_id', 'plan, segment') }}
            as eval_pool_credit_usd
    from floored

),

-- Eval costs that the pool funds are the pool's own row, so that margins sum to revenue less the ledger's net charge.
pool as (

    select
        month,
        {{ common_basis() }} as basis,
        sum(amount_usd) as credit_usd
    from {{ ref('int_pool_credits') }}
    group by month

)

select
    month,
    feature_id,
    plan,
    segment,
    {{ pnl_lines() }},
    cast(answers as bigint) as answers,
    cast(stated_answers as bigint) as answers_stated,
    cast(joined_answers as double) / nullif(stated_answers, 0) as answers_join_pct,
    cast(users as bigint) as users,
    basis
from credited

union all

select
    month,
    'quality_pool' as feature_id,
    'quality_pool' as plan,
    'quality_pool' as segment,
    {{ money('0') }} as revenue_usd,
    {{ money('0') }} as production_usd,
    {{ money('0') }} as evaluation_usd,
    {{ money('-credit_usd') }} as eval_pool_credit_usd,
    {{ money('0') }} as development_usd,
    {{ money('0') }} as unattributed_usd,
    {{ money('0') }} as shared_usd,
    {{ money('-credit_usd') }} as margin_usd,
    cast(null as double) as margin_pct,
    cast(null as bigint) as answers,
    cast(null as bigint) as answers_stated,
    cast(null as double) as answers_join_pct,
    cast(null as bigint) as users,
    basis
from pool
