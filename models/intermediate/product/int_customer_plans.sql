-- one row per month and user or account (`kind`): plan and segment as they stood at the month's end
{{ replaces_touched("month", by="month", rebuilt_at_news_of="product") }}
with spellings as (

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
    left join spellings as plans on lower(trim(users.plan)) = plans.spelled_alike and plans.kind = 'plan'
    left join spellings as segments on lower(trim(users.segment)) = segments.spelled_alike and segments.kind = 'segment'

),

months as (

    select cast(date_trunc('month', day) as date) as month
    from {{ ref('int_days_touched') }}

    union

    select month
    from {{ ref('stg_product__usage_events') }}

    union

    select month
    from {{ ref('stg_product__revenue') }}

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

account_users as (

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

-- An account is of the plan and segment that most of its users are, of whom the file says it.
{% set is_silent = "case when plan is null or segment is null then 1 else 0 end" %}
{% call first_rows(partition_by="month, account_id", order_by=[is_silent, "users desc", "plan", "segment"]) %}
    select
        month,
        'account' as kind,
        account_id as id,
        account_id,
        plan,
        segment
    from account_users
{% endcall %}
