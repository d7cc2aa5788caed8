-- one row per month, feature, plan and segment that telemetry or revenue names
{{ config(materialized="kept", meta={"rebuilt_at_news_of": "product"}) }}
with cohorts as (

    select * from {{ ref('int_cohorts_assigned') }}

),

events as (

    select
        events.month,
        events.feature_id,
        coalesce(users.plan, accounts.plan, 'unknown') as plan,
        coalesce(users.segment, accounts.segment, 'unknown') as segment,
        events.answers,
        events.user_id,
        0 as revenue_usd
    from {{ ref('stg_product__usage_events') }} as events
    left join cohorts as users
        on events.month = users.month and events.user_id = users.id and users.kind = 'user'
    left join cohorts as accounts
        on events.month = accounts.month and events.account_id = accounts.id and accounts.kind = 'account'

),

revenue as (

    select
        revenue.month,
        revenue.feature_id,
        coalesce(revenue.plan, accounts.plan, 'unknown') as plan,
        coalesce(accounts.segment, 'unknown') as segment,
        cast(null as bigint) as answers,
        cast(null as varchar) as user_id,
        revenue.revenue_usd
    from {{ ref('int_revenue_allocated') }} as revenue
    left join cohorts as accounts
        on revenue.month = accounts.month and revenue.account_id = accounts.id and accounts.kind = 'account'

),

unioned as (

    select * from events
    union all
    select * from revenue

)

select
    month,
    feature_id,
    plan,
    segment,
    sum(answers) as answers,
    count(distinct user_id) as users,
    sum(revenue_usd) as revenue_usd
from unioned
group by month, feature_id, plan, segment
