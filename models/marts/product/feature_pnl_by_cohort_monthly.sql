-- one row per incurred month, feature, plan and segment (sentinels included)
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
        greatest(cohorts.evaluation_usd, 0) * 1000000000000 as weight,
        sum(greatest(cohorts.evaluation_usd, 0) * 1000000000000)
            over (partition by cohorts.month, cohorts.feature_id)
            as total_weight
    from {{ ref('int_cohort_months_summed') }} as cohorts
    left join credits
        on cohorts.month = credits.month and cohorts.feature_id = credits.feature_id
    left join {{ ref('int_shares_cohorted') }} as moved
        on
            cohorts.month = moved.month
            and cohorts.feature_id = moved.feature_id
            and cohorts.plan = moved.plan
            and cohorts.segment = moved.segment

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

)

select
    month,
    feature_id,
    plan,
    segment,
    {{ pnl_lines() }},
    cast(answers as bigint) as answers,
    cast(users as bigint) as users,
    basis
from credited
