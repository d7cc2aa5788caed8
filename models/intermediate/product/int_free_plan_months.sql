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
        null as telemetry_user_id,
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
        user_id as telemetry_user_id,
        null as trace_key,
        0 as amount_usd
    from {{ ref('int_feature_usage') }}
    where told_by = 'telemetry' and {{ is_touched('month', 'month', 'product') }}

),

lines_of_users as (

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
    from lines_of_users
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

-- An account has the plan of most of its users, as in int_customer_plans.
plans_of_most_users as (

    {% call first_rows(partition_by="used_on, account_id", order_by=["users desc", "plan"]) %}
        select * from account_plans
    {% endcall %}

),

-- The plan on the day of use counts: a user who upgrades within the month was free before.
planned_lines as (

    select
        lines.*,
        {{ is_free_plan('coalesce(lines.user_plan, accounts.plan, lines.plan)') }} as is_free
    from lines_of_users as lines
    left join plans_of_most_users as accounts
        on
            lines.user_plan is null
            and lines.used_on = accounts.used_on
            and lines.account_id = accounts.account_id

),

planned_requests as (

    select
        lines.month,
        lines.feature_id,
        requests.request_key,
        requests.answers,
        requests.adjusted_count,
        bool_or(lines.is_free) as is_free
    from planned_lines as lines
    inner join {{ ref('int_feature_requests') }} as requests
        on
            lines.month = requests.month
            and lines.feature_id = requests.feature_id
            and lines.used_on = requests.started_on
            and lines.plan = requests.plan
            and lines.user_id is not distinct from requests.user_id
            and lines.account_id is not distinct from requests.account_id
    where lines.telemetry_user_id is null and lines.trace_key is not null
    group by
        lines.month, lines.feature_id, requests.request_key, requests.answers, requests.adjusted_count

),

{% for relation, is_counted in [('free', 'planned.is_free'), ('all', 'true')] %}
{{ relation }}_requests as (

    select
        planned.month,
        planned.feature_id,
        {{ whole_count('planned.adjusted_count') }} as requests,
        {{ whole_count('case when planned.answers is not null then planned.adjusted_count else 0 end') }}
            as answered_requests,
        {{ whole_count('planned.adjusted_count * planned.answers') }} as known_answers
    from planned_requests as planned
    where {{ is_counted }}
    group by planned.month, planned.feature_id

),

{{ relation }}_usage as (

    select
        planned.month,
        planned.feature_id,
        count(distinct planned.telemetry_user_id) as telemetry_users,
        count(distinct case when planned.telemetry_user_id is null then planned.user_id end) as traced_users,
        count(distinct planned.trace_key) as traces,
        sum(planned.amount_usd) as production_usd,
        cast(coalesce(max(requests.requests), 0) as bigint) as requests,
        cast(coalesce(max(requests.answered_requests), 0) as bigint) as answered_requests,
        cast(coalesce(max(requests.known_answers), 0) as bigint) as known_answers
    from planned_lines as planned
    left join {{ relation }}_requests as requests
        on planned.month = requests.month and planned.feature_id = requests.feature_id
    where {{ is_counted }}
    group by planned.month, planned.feature_id

){{ ',' if not loop.last }}

{% endfor %}

select
    all_usage.month,
    all_usage.feature_id,
    free_usage.production_usd,
    all_usage.production_usd as all_production_usd,
    {{ estimated_answers('free_usage', 'all_usage') }} as answers,
    case when all_usage.telemetry_users > 0 then free_usage.telemetry_users else free_usage.traced_users end as users
from all_usage
inner join free_usage on all_usage.month = free_usage.month and all_usage.feature_id = free_usage.feature_id
