{{ replaces_touched("month", by="month", rebuilt_at_news_of="product") }}
with names as (

    select * from {{ ref('int_plan_and_segment_names') }}

),

users as (

    select
        users.user_id,
        users.account_id,
        plans.name as plan,
        segments.name as segment,
        users.valid_from
    from {{ ref('stg_product__users') }} as users
    left join names as plans on lower(trim(users.plan)) = plans.spelled_alike and plans.kind = 'plan'
    left join names as segments on lower(trim(users.segment)) = segments.spelled_alike and segments.kind = 'segment'

),

-- Revenue of a period is earned on each of its days; other revenue in the month that its line states.
revenue_periods as (

    select distinct
        coalesce(period_start, month) as first_day,
        case when period_start is null then month else cast(period_end - interval 1 day as date) end as last_day
    from {{ ref('stg_product__revenue') }}
    where is_standing

),

revenue_days as (

    select {{ each_day('first_day', 'last_day') }} as day
    from revenue_periods

),

months as (

    select cast(date_trunc('month', day) as date) as month
    from {{ ref('int_days_touched') }}

    union

    select month
    from {{ ref('stg_product__usage_events') }}

    union

    select cast(date_trunc('month', day) as date) as month
    from revenue_days

),

user_months as (

    {% call first_rows(partition_by="months.month, users.user_id", order_by="users.valid_from desc") %}
        select
            months.month,
            users.*
        from months
        inner join users on users.valid_from <= last_day(months.month)
        where {{ is_touched('months.month', 'month', 'product') }}
    {% endcall %}

),

users_per_plan as (

    select
        month,
        account_id,
        plan,
        segment,
        count(*) as users
    from user_months
    where account_id is not null
    group by month, account_id, plan, segment

)

select
    month,
    'user' as kind,
    user_id as id,
    account_id,
    plan,
    segment
from user_months

union all

-- An account has the plan and segment of most of its users. Users whose plan or segment is unknown decide only if no
-- others do.
{% set is_unknown = "case when plan is null or segment is null then 1 else 0 end" %}
{% call first_rows(partition_by="month, account_id", order_by=[is_unknown, "users desc", "plan", "segment"]) %}
    select
        month,
        'account' as kind,
        account_id as id,
        account_id,
        plan,
        segment
    from users_per_plan
{% endcall %}
