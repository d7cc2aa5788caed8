-- one row per month, feature, plan and segment: costs by purpose beside revenue, answers and users
{{ replaces_touched("month", by="month", rebuilt_at_news_of="product") }}
with costs as (

    select
        month,
        feature_id,
        plan,
        segment,
        sum(case when purpose = 'production' then amount_usd else 0 end) as production_usd,
        sum(case when purpose = 'evaluation' then amount_usd else 0 end) as evaluation_usd,
        sum(case when purpose = 'development' then amount_usd else 0 end) as development_usd,
        sum(case when purpose = 'unknown' then amount_usd else 0 end) as unattributed_usd,
        count(distinct case when purpose = 'production' then trace_key end) as traces,
        count(distinct user_id) as users,
        case
            when count(distinct nullif(basis, 'unpriced')) > 1 then 'mixed'
            else coalesce(min(nullif(basis, 'unpriced')), 'unpriced')
        end as basis
    from {{ ref('int_costs_cohorted') }}
    group by month, feature_id, plan, segment

),

telemetry as (

    select * from {{ ref('int_telemetry_cohorted') }}
    where {{ is_touched('month', 'month', 'product') }}

),

joined as (

    select
        coalesce(costs.month, telemetry.month) as month,
        coalesce(costs.feature_id, telemetry.feature_id) as feature_id,
        coalesce(costs.plan, telemetry.plan) as plan,
        coalesce(costs.segment, telemetry.segment) as segment,
        coalesce(telemetry.revenue_usd, 0) as revenue_usd,
        coalesce(costs.production_usd, 0) as production_usd,
        coalesce(costs.evaluation_usd, 0) as evaluation_usd,
        coalesce(costs.development_usd, 0) as development_usd,
        coalesce(costs.unattributed_usd, 0) as unattributed_usd,
        coalesce(costs.basis, 'unpriced') as basis,
        coalesce(telemetry.answers, 0) as stated_answers,
        coalesce(telemetry.users, 0) as stated_users,
        coalesce(costs.traces, 0) as traces,
        coalesce(costs.users, 0) as traced_users
    from costs
    full outer join telemetry
        on
            costs.month = telemetry.month
            and costs.feature_id = telemetry.feature_id
            and costs.plan = telemetry.plan
            and costs.segment = telemetry.segment

)

select
    month,
    feature_id,
    plan,
    segment,
    revenue_usd,
    production_usd,
    evaluation_usd,
    development_usd,
    unattributed_usd,
    basis,
    -- Where telemetry counts no answers or users of a feature's month, production traces and their users stand in.
    case when sum(stated_answers) over (partition by month, feature_id) > 0 then stated_answers else traces end
        as answers,
    case when sum(stated_users) over (partition by month, feature_id) > 0 then stated_users else traced_users end
        as users
from joined
