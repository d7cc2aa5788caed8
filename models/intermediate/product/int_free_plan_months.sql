-- one row per month and feature: cost, answers and users on a free plan, by the plan on the day of use
{{ replaces_touched("month", by="month", rebuilt_at_news_of="product") }}
with users as (

    select
        user_id,
        account_id,
        plan,
        valid_from,
        lead(valid_from) over (partition by user_id order by valid_from) as valid_to
    from {{ ref('stg_product__users') }}

),

lines as (

    select
        month,
        feature_id,
        started_on as used_on,
        plan,
        user_id,
        account_id,
        null as told_user_id,
        trace_key,
        amount_usd
    from {{ ref('int_feature_costs') }}
    where purpose = 'production'

    union all

    select
        month,
        feature_id,
        used_on,
        plan,
        user_id,
        account_id,
        user_id as told_user_id,
        null as trace_key,
        0 as amount_usd
    from {{ ref('int_feature_usage') }}
    where told_by = 'telemetry' and {{ is_touched('month', 'month', 'product') }}

),

known_users as (

    select
        lines.*,
        users.plan as user_plan
    from lines
    left join users
        on
            lines.user_id = users.user_id
            and lines.used_on >= users.valid_from
            and (users.valid_to is null or lines.used_on < users.valid_to)

),

account_days as (

    select distinct
        used_on,
        account_id
    from known_users
    where user_plan is null

),

account_plans as (

    select
        account_days.used_on,
        account_days.account_id,
        users.plan,
        count(*) as users
    from account_days
    inner join users
        on
            account_days.account_id = users.account_id
            and account_days.used_on >= users.valid_from
            and (users.valid_to is null or account_days.used_on < users.valid_to)
    where users.plan is not null
    group by account_days.used_on, account_days.account_id, users.plan

),

-- An account has the plan of most of its users, as at the month's end.
account_plan as (

    {% call first_rows(partition_by="used_on, account_id", order_by=["users desc", "plan"]) %}
        select * from account_plans
    {% endcall %}

),

-- The plan on the day of use: who moves in mid-month was free before.
placed as (

    select
        known_users.*,
        {{ is_free_plan('coalesce(known_users.user_plan, account_plan.plan, known_users.plan)') }} as is_free
    from known_users
    left join account_plan
        on
            known_users.user_plan is null
            and known_users.used_on = account_plan.used_on
            and known_users.account_id = account_plan.account_id

),

requests as (

    select distinct
        placed.month,
        placed.feature_id,
        placed.is_free,
        costed.request_key
    from placed
    inner join {{ ref('int_requests_costed') }} as costed
        on
            placed.month = costed.month
            and placed.feature_id = costed.feature_id
            and placed.used_on = costed.started_on
            and placed.plan = costed.plan
            and placed.user_id is not distinct from costed.user_id
            and placed.account_id is not distinct from costed.account_id
    where placed.told_user_id is null and placed.trace_key is not null

),

answered as (

    select * from {{ ref('int_feature_requests') }}

),

{% for relation, is_counted in [('free', 'is_free'), ('total', 'true')] %}
{{ relation }}_requests as (

    select distinct
        requests.month,
        requests.feature_id,
        requests.request_key,
        answered.answers
    from requests
    inner join answered
        on
            requests.month = answered.month
            and requests.feature_id = answered.feature_id
            and requests.request_key = answered.request_key
    where {{ is_counted }}

),

{{ relation }}_asked as (

    select
        month,
        feature_id,
        count(*) as requests,
        count(answers) as answered_requests,
        sum(answers) as known_answers
    from {{ relation }}_requests
    group by month, feature_id

),

{{ relation }}_summed as (

    select
        placed.month,
        placed.feature_id,
        count(distinct placed.told_user_id) as told_users,
        count(distinct case when placed.told_user_id is null then placed.user_id end) as traced_users,
        count(distinct placed.trace_key) as traces,
        sum(placed.amount_usd) as production_usd
    from placed
    where {{ is_counted }}
    group by placed.month, placed.feature_id

),

{{ relation }}_use as (

    select
        summed.*,
        cast(coalesce(asked.requests, 0) as bigint) as requests,
        cast(coalesce(asked.answered_requests, 0) as bigint) as answered_requests,
        cast(coalesce(asked.known_answers, 0) as bigint) as known_answers
    from {{ relation }}_summed as summed
    left join {{ relation }}_asked as asked
        on summed.month = asked.month and summed.feature_id = asked.feature_id

){{ ',' if not loop.last }}

{% endfor %}

select
    total_use.month,
    total_use.feature_id,
    free_use.production_usd,
    total_use.production_usd as all_production_usd,
    {{ estimated_answers('free_use', 'total_use') }} as answers,
    case when total_use.told_users > 0 then free_use.told_users else free_use.traced_users end as users
from total_use
inner join free_use on total_use.month = free_use.month and total_use.feature_id = free_use.feature_id
