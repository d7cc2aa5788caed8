with feature_chains as (

    select * from {{ ref('stg_catalog__feature_chains') }}

),

cohorts as (

    select
        *,
        production_usd + evaluation_usd + development_usd + unattributed_usd as cost_usd
    from {{ ref('int_feature_cohort_months') }}

),

-- The catalog entry of a renamed feature may still have the id of its time.
owners as (

    select
        catalog.feature_id,
        coalesce(feature_chains.newest_feature_id, catalog.feature_id) as newest_feature_id,
        catalog.owner_team_id,
        catalog.valid_from,
        catalog.valid_to
    from {{ ref('feature_catalog') }} as catalog
    left join feature_chains on catalog.feature_id = feature_chains.feature_id

),

owned_cohorts as (

    {% call first_rows(
        partition_by="cohorts.month, cohorts.feature_id, cohorts.plan, cohorts.segment",
        order_by=["case when owners.feature_id = cohorts.feature_id then 0 else 1 end", "owners.feature_id"]
    ) %}
        select
            cohorts.*,
            owners.owner_team_id
        from cohorts
        inner join owners
            on
                cohorts.feature_id = owners.newest_feature_id
                and {{ in_force('owners', 'last_day(cohorts.month)') }}
        where cohorts.production_usd > 0
    {% endcall %}

),

feature_owners as (

    select distinct
        month,
        owner_team_id
    from owned_cohorts

),

-- A team's part of shared costs is overhead of its features. The part of a team without a feature stays where it is.
overheads as (

    select
        shared_costs.month,
        shared_costs.team_id,
        shared_costs.feature_id,
        sum(shared_costs.amount_usd) as amount_usd
    from {{ ref('int_shared_costs') }} as shared_costs
    inner join feature_owners
        on shared_costs.month = feature_owners.month and shared_costs.team_id = feature_owners.owner_team_id
    group by shared_costs.month, shared_costs.team_id, shared_costs.feature_id

),

overhead_pools as (

    select
        month,
        'team ' || team_id as pool,
        sum(amount_usd) as amount_usd
    from overheads
    group by month, team_id

    union all

    select
        month,
        feature_id as pool,
        -sum(amount_usd) as amount_usd
    from overheads
    group by month, feature_id

),

-- A team's overhead is spread over its features by their production cost, and taken off the sentinel that carried it.
pool_members as (

    select
        month,
        feature_id,
        plan,
        segment,
        'team ' || owner_team_id as pool,
        production_usd as weight_usd
    from owned_cohorts

    union all

    select
        month,
        feature_id,
        plan,
        segment,
        feature_id as pool,
        greatest(cost_usd, 0) as weight_usd
    from cohorts

),

{% set overhead_weight = whole_number('members.weight_usd * 1000000000000') %}
overhead_parts as (

    select
        members.*,
        pools.amount_usd,
        {{ floored_part(
            'pools.amount_usd', overhead_weight,
            'sum(' ~ overhead_weight ~ ') over (partition by members.month, members.pool)'
        ) }} as part_usd
    from pool_members as members
    inner join overhead_pools as pools on members.month = pools.month and members.pool = pools.pool

),

cohort_overheads as (

    select
        month,
        feature_id,
        plan,
        segment,
        {{ part_with_residue(
            'amount_usd', 'coalesce(part_usd, 0)', 'weight_usd', 'month, pool', 'feature_id, plan, segment'
        ) }} as amount_usd
    from overhead_parts

),

event_answers as (

    select
        events.month,
        events.feature_id,
        coalesce(users.plan, accounts.plan, 'unknown') as plan,
        coalesce(users.segment, accounts.segment, 'unknown') as segment,
        sum(events.answers) as answers
    from {{ ref('int_usage_event_traces') }} as events
    left join {{ ref('int_customer_plans') }} as users
        on events.month = users.month and events.user_id = users.id and users.kind = 'user'
    left join {{ ref('int_customer_plans') }} as accounts
        on
            events.month = accounts.month
            and coalesce(events.account_id, users.account_id) = accounts.id
            and accounts.kind = 'account'
    where events.place = 1 and events.method != 'none'
    group by
        events.month, events.feature_id, coalesce(users.plan, accounts.plan, 'unknown'),
        coalesce(users.segment, accounts.segment, 'unknown')

),

pool_credits as (

    select
        credits.month,
        coalesce(feature_chains.newest_feature_id, credits.feature_id) as feature_id,
        sum(credits.amount_usd) as credit_usd
    from {{ ref('int_eval_credits') }} as credits
    left join feature_chains on credits.feature_id = feature_chains.feature_id
    group by credits.month, coalesce(feature_chains.newest_feature_id, credits.feature_id)

),

-- The pool's credit of a feature goes to its cohorts by what their evals cost.
credit_parts as (

    select
        cohorts.*,
        coalesce(pool_credits.credit_usd, 0) as credit_usd,
        coalesce(cohort_overheads.amount_usd, 0) as shared_usd,
        coalesce(event_answers.answers, 0) as joined_answers,
        greatest(cohorts.evaluation_usd, 0) * 1000000000000 as weight,
        coalesce({{ floored_part(
            'coalesce(pool_credits.credit_usd, 0)', 'greatest(cohorts.evaluation_usd, 0) * 1000000000000',
            'sum(greatest(cohorts.evaluation_usd, 0) * 1000000000000)'
            ~ ' over (partition by cohorts.month, cohorts.feature_id)'
        ) }}, 0) as part_usd
    from cohorts
    left join pool_credits
        on cohorts.month = pool_credits.month and cohorts.feature_id = pool_credits.feature_id
    left join cohort_overheads
        on {{ are_same('cohorts', 'cohort_overheads', ['month', 'feature_id', 'plan', 'segment']) }}
    left join event_answers
        on {{ are_same('cohorts', 'event_answers', ['month', 'feature_id', 'plan', 'segment']) }}

),

credited_cohorts as (

    select
        *,
        {{ part_with_residue('credit_usd', 'part_usd', 'weight', 'month, feature_id', 'plan, segment') }}
            as eval_pool_credit_usd
    from credit_parts

),

pool as (

    select
        month,
        {{ common_basis() }} as basis,
        sum(amount_usd) as credit_usd
    from {{ ref('int_eval_credits') }}
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
from credited_cohorts

union all

-- The pool pays the credits on a row of its own, so that margins sum to revenue less what the ledger charges.
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
    {{ money('0') }} as sampled_usd,
    {{ money('-credit_usd') }} as margin_usd,
    cast(null as double) as margin_pct,
    cast(null as bigint) as answers,
    cast(null as bigint) as answers_stated,
    cast(null as double) as answers_join_pct,
    cast(null as bigint) as users,
    basis
from pool
