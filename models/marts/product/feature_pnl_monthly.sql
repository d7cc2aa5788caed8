-- one row per incurred month and feature (sentinels included)
with costs as (

    select
        cast(date_trunc('month', incurred_on) as date) as month,
        feature_id,
        sum(case when purpose = 'production' then amount_usd else 0 end) as production_usd,
        sum(case when purpose = 'evaluation' then amount_usd else 0 end) as evaluation_usd,
        sum(case when purpose = 'development' then amount_usd else 0 end) as development_usd,
        sum(case when purpose = 'unknown' then amount_usd else 0 end) as unattributed_usd,
        case when count(distinct basis) > 1 then 'mixed' else min(basis) end as basis
    from {{ ref('int_costs_journalled') }}
    group by cast(date_trunc('month', incurred_on) as date), feature_id

),

credits as (

    select
        month,
        feature_id,
        sum(amount_usd) as eval_pool_credit_usd
    from {{ ref('int_pool_credits') }}
    group by month, feature_id

),

revenue as (

    select
        month,
        feature_id,
        sum(revenue_usd) as revenue_usd
    from {{ ref('int_revenue_allocated') }}
    group by month, feature_id

),

events as (

    select
        month,
        feature_id,
        nullif(sum(answers), 0) as answers,
        count(distinct user_id) as users
    from {{ ref('stg_product__usage_events') }}
    group by month, feature_id

),

-- Where telemetry counts no answers, each production trace of the feature is one.
requests as (

    select
        cast(date_trunc('month', shares.started_on) as date) as month,
        shares.originating_feature_id as feature_id,
        count(distinct calls.trace_id) filter (where shares.purpose = 'production') as answers,
        count(distinct shares.user_id) as users
    from {{ ref('int_call_shares') }} as shares
    inner join {{ ref('attributed_calls') }} as calls on shares.call_id = calls.call_id
    group by cast(date_trunc('month', shares.started_on) as date), shares.originating_feature_id

),

keys as (

    select
        month,
        feature_id
    from costs
    union
    select
        month,
        feature_id
    from revenue
    union
    select
        month,
        feature_id
    from events
    union
    select
        month,
        feature_id
    from requests

),

joined as (

    select
        keys.month,
        keys.feature_id,
        coalesce(revenue.revenue_usd, 0) as revenue_usd,
        coalesce(costs.production_usd, 0) as production_usd,
        coalesce(costs.evaluation_usd, 0) as evaluation_usd,
        coalesce(credits.eval_pool_credit_usd, 0) as eval_pool_credit_usd,
        coalesce(costs.development_usd, 0) as development_usd,
        coalesce(costs.unattributed_usd, 0) as unattributed_usd,
        0 as shared_usd,
        coalesce(events.answers, requests.answers, 0) as answers,
        coalesce(nullif(events.users, 0), requests.users, 0) as users,
        coalesce(costs.basis, 'unpriced') as basis
    from keys
    left join costs on keys.month = costs.month and keys.feature_id = costs.feature_id
    left join credits on keys.month = credits.month and keys.feature_id = credits.feature_id
    left join revenue on keys.month = revenue.month and keys.feature_id = revenue.feature_id
    left join events on keys.month = events.month and keys.feature_id = events.feature_id
    left join requests on keys.month = requests.month and keys.feature_id = requests.feature_id

),

with_margin as (

    select
        *,
        revenue_usd - production_usd - evaluation_usd + eval_pool_credit_usd - development_usd - unattributed_usd
        - shared_usd as margin_usd
    from joined

)

select
    month,
    feature_id,
    {{ money('revenue_usd') }} as revenue_usd,
    {{ money('production_usd') }} as production_usd,
    {{ money('evaluation_usd') }} as evaluation_usd,
    {{ money('eval_pool_credit_usd') }} as eval_pool_credit_usd,
    {{ money('development_usd') }} as development_usd,
    {{ money('unattributed_usd') }} as unattributed_usd,
    {{ money('shared_usd') }} as shared_usd,
    {{ money('margin_usd') }} as margin_usd,
    cast(margin_usd as double) / nullif(cast(revenue_usd as double), 0) as margin_pct,
    cast(answers as bigint) as answers,
    cast(users as bigint) as users,
    basis
from with_margin
