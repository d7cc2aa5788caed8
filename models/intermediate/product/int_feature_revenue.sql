{{ replaces_touched("month", by="month", rebuilt_at_news_of="product") }}
with customer_plans as (

    select * from {{ ref('int_customer_plans') }}

),

revenue_lines as (

    select
        *,
        coalesce(period_start, month) as first_day,
        case when period_start is null then month else cast(period_end - interval 1 day as date) end as last_day
    from {{ ref('stg_product__revenue') }}
    where is_standing

),

periods as (

    select distinct
        first_day,
        last_day
    from revenue_lines

),

period_days as (

    select
        first_day,
        last_day,
        {{ each_day('first_day', 'last_day') }} as day
    from periods

),

period_months as (

    select
        first_day,
        last_day,
        cast(date_trunc('month', day) as date) as month,
        count(*) as days,
        {{ days_between('first_day', 'last_day') }} + 1 as all_days
    from period_days
    group by first_day, last_day, cast(date_trunc('month', day) as date)

),

-- Revenue of a period is earned evenly by its days. A line without a period belongs to the month that it states.
line_months as (

    select
        lines.line_id,
        lines.line_id || case when lines.period_start is null then '' else ':' || cast(months.month as string) end
            as revenue_id,
        months.month,
        lines.account_id,
        lines.plan,
        lines.feature_id,
        lines.revenue_usd,
        months.days,
        {{ floored_part('lines.revenue_usd', 'months.days', 'months.all_days') }} as part_usd
    from revenue_lines as lines
    inner join period_months as months on lines.first_day = months.first_day and lines.last_day = months.last_day

),

earned_revenue as (

    select
        revenue_id,
        line_id,
        month,
        account_id,
        plan,
        feature_id,
        {{ part_with_residue('revenue_usd', 'part_usd', 'days', 'line_id', 'month') }} as revenue_usd
    from line_months

),

revenue as (

    select
        earned_revenue.revenue_id,
        earned_revenue.line_id,
        earned_revenue.month,
        earned_revenue.account_id,
        earned_revenue.feature_id,
        earned_revenue.revenue_usd,
        coalesce(plans.name, accounts.plan, 'unknown') as plan,
        coalesce(accounts.segment, 'unknown') as account_segment
    from earned_revenue
    left join {{ ref('int_plan_and_segment_names') }} as plans
        on lower(trim(earned_revenue.plan)) = plans.spelled_alike and plans.kind = 'plan'
    left join customer_plans as accounts
        on
            earned_revenue.month = accounts.month
            and earned_revenue.account_id = accounts.id
            and accounts.kind = 'account'
    where {{ is_touched('earned_revenue.month', 'month', 'product') }} and {{ is_kept('earned_revenue.month') }}

),

segment_uses as (

    select
        month,
        account_id,
        feature_id,
        segment,
        sum(uses) as uses
    from {{ ref('int_feature_usage') }}
    where account_id is not null
    group by month, account_id, feature_id, segment

),

feature_uses as (

    select
        month,
        account_id,
        feature_id,
        sum(uses) as uses
    from segment_uses
    group by month, account_id, feature_id

),

rules as (

    select * from {{ ref('revenue_rules') }}

),

-- By usage, revenue follows uses. By value, it follows the declared weights of the features used. Evenly, each feature
-- used gets the same.
feature_weights as (

    select
        revenue.revenue_id,
        feature_uses.feature_id,
        {{ whole_number("coalesce(own.weight, general.weight, 1) * 1000000") }}
        * case when coalesce(own.method, general.method, 'usage') = 'usage' then feature_uses.uses else 1 end
            as value_weight,
        coalesce(own.method, general.method) = 'even' as is_even
    from revenue
    inner join feature_uses
        on revenue.month = feature_uses.month and revenue.account_id = feature_uses.account_id
    -- The rules in force at the month's end apply, as for plans and eval funding. A rule without a feature applies to
    -- all features without a rule of their own.
    left join rules as own
        on feature_uses.feature_id = own.feature_id and {{ in_force('own', 'last_day(revenue.month)') }}
    left join rules as general
        on general.feature_id is null and {{ in_force('general', 'last_day(revenue.month)') }}
    where revenue.feature_id is null

),

feature_shares as (

    select
        revenue.*,
        coalesce(revenue.feature_id, weights.feature_id, 'no_usage') as to_feature_id,
        coalesce(case when weights.is_even then 1000000 else weights.value_weight end, 1) as weight
    from revenue
    left join feature_weights as weights
        on revenue.revenue_id = weights.revenue_id and (weights.is_even or weights.value_weight > 0)

),

feature_parts as (

    select
        *,
        {{ floored_part('revenue_usd', 'weight', 'sum(weight) over (partition by revenue_id)') }} as part_usd
    from feature_shares

),

feature_revenue as (

    select
        revenue_id,
        line_id,
        month,
        account_id,
        plan,
        account_segment,
        to_feature_id as feature_id,
        {{ part_with_residue('revenue_usd', 'part_usd', 'weight', 'revenue_id', 'to_feature_id') }} as revenue_usd
    from feature_parts

),

-- Cost goes to the segment of its user, so an account's revenue goes to the segments of its users: by their uses of the
-- feature in the month, else by their uses of any feature, else evenly by user.
account_segments as (

    select
        month,
        account_id,
        feature_id,
        1 as choice,
        segment,
        uses as weight
    from segment_uses

    union all

    select
        month,
        account_id,
        null as feature_id,
        2 as choice,
        segment,
        sum(uses) as weight
    from segment_uses
    group by month, account_id, segment

    union all

    select
        users.month,
        users.account_id,
        null as feature_id,
        3 as choice,
        coalesce(users.segment, accounts.segment, 'unknown') as segment,
        count(*) as weight
    from customer_plans as users
    left join customer_plans as accounts
        on users.month = accounts.month and users.account_id = accounts.id and accounts.kind = 'account'
    where users.kind = 'user' and users.account_id is not null
    group by users.month, users.account_id, coalesce(users.segment, accounts.segment, 'unknown')

),

segment_choices as (

    select
        feature_revenue.*,
        coalesce(account_segments.segment, feature_revenue.account_segment) as segment,
        coalesce(account_segments.weight, 1) as weight,
        account_segments.choice,
        min(account_segments.choice)
            over (partition by feature_revenue.revenue_id, feature_revenue.feature_id) as first_choice
    from feature_revenue
    left join account_segments
        on
            feature_revenue.month = account_segments.month
            and feature_revenue.account_id = account_segments.account_id
            and feature_revenue.feature_id = coalesce(account_segments.feature_id, feature_revenue.feature_id)

),

segment_parts as (

    select
        *,
        {{ floored_part('revenue_usd', 'weight', 'sum(weight) over (partition by revenue_id, feature_id)') }}
            as part_usd
    from segment_choices
    where choice = first_choice or choice is null

)

select
    revenue_id,
    line_id,
    month,
    account_id,
    plan,
    segment,
    feature_id,
    {{ part_with_residue('revenue_usd', 'part_usd', 'weight', 'revenue_id, feature_id', 'segment') }} as revenue_usd
from segment_parts
