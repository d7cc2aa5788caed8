with revenue as (

    select
        month,
        feature_id,
        sum(case when {{ is_free_plan('plan') }} then revenue_usd else 0 end) as revenue_usd
    from {{ ref('feature_pnl_by_cohort_monthly') }}
    group by month, feature_id

),

users as (

    select
        user_id,
        plan,
        valid_from,
        lead(valid_from) over (partition by user_id order by valid_from) as valid_to,
        min(case when not {{ is_free_plan('plan') }} then valid_from end) over (
            partition by user_id
            order by valid_from
            rows between current row and unbounded following
        ) as paid_from
    from {{ ref('stg_product__users') }}

),

uses as (

    select * from {{ ref('int_feature_usage') }}

),

free_months as (

    select
        costs.*,
        coalesce(revenue.revenue_usd, 0) as revenue_usd
    from {{ ref('int_free_plan_months') }} as costs
    left join revenue on costs.month = revenue.month and costs.feature_id = revenue.feature_id

),

-- Conversions are unknown if the user files have no history, only one row per user.
user_history as (

    select
        greatest(max(users.valid_from), max(uses.newest_on)) as newest_on,
        count(*) > count(distinct users.user_id) as is_history_known
    from users
    cross join (select max(used_on) as newest_on from uses) as uses -- noqa: ST05

),

free_uses as (

    select
        uses.month,
        uses.feature_id,
        uses.user_id,
        min(uses.used_on) as first_on,
        min(users.paid_from) as paid_from
    from uses
    inner join users
        on
            uses.user_id = users.user_id
            and uses.used_on >= users.valid_from
            and (users.valid_to is null or uses.used_on < users.valid_to)
    where {{ is_free_plan('users.plan') }}
    group by uses.month, uses.feature_id, uses.user_id

),

{% set moved = "case when " ~ days_between('{0}first_on', '{0}paid_from') ~ " <= " ~ var('conversion_days') %}
-- Users of other features are measured by the same rule, from their first use in the month.
first_uses as (

    select
        month,
        user_id,
        min(first_on) as first_on,
        min(paid_from) as paid_from
    from free_uses
    group by month, user_id

),

free_users as (

    select
        month,
        user_id,
        {{ moved.format('') }} then 1 else 0 end as converted,
        count(*) over (partition by month) as month_users,
        sum({{ moved.format('') }} then 1 else 0 end) over (partition by month) as month_converted
    from first_uses

),

-- A paid user's margin is over all features, since a plan is paid as one, and over all users whom the user files have
-- on a paid plan, also those who used nothing.
paid_margins as (

    select
        month,
        sum(margin_usd) as margin_usd
    from {{ ref('feature_pnl_by_cohort_monthly') }}
    where not {{ is_free_plan('plan') }} and plan not in {{ reserved_names('cohort') }}
    group by month

),

paid_users as (

    select
        month,
        count(*) as users
    from {{ ref('int_customer_plans') }}
    where kind = 'user' and not {{ is_free_plan('plan') }} and plan not in {{ reserved_names('cohort') }}
    group by month

),

paid_months as (

    select
        margins.month,
        {{ floored_part('margins.margin_usd', 1, 'users.users') }} as margin_usd_per_user
    from paid_margins as margins
    inner join paid_users as users on margins.month = users.month

),

conversions as (

    select
        free_uses.month,
        free_uses.feature_id,
        count(*) as users,
        sum({{ moved.format('free_uses.') }} then 1 else 0 end) as converted,
        max(free_users.month_users) - count(*) as other_users,
        max(free_users.month_converted) - sum(free_users.converted) as other_converted
    from free_uses
    inner join free_users on free_uses.month = free_users.month and free_uses.user_id = free_users.user_id
    group by free_uses.month, free_uses.feature_id

)

{# The cost of a conversion where that share of those who tried converts. #}
{% set at_share = 'cast(free_months.production_usd as double) / nullif(conversions.users * {}, 0)' %}
{% set bound = 'case when user_history.is_history_known then ' ~ at_share ~ ' end' %}
{% set usd_per_conversion = {
    '': 'case when user_history.is_history_known then '
        ~ floored_part('free_months.production_usd', 1, 'conversions.converted') ~ ' end',
    '_low': bound.format(wilson_bound('conversions.converted', 'conversions.users', 1)),
    '_high': bound.format("case when conversions.converted > 0 then "
        ~ wilson_bound('conversions.converted', 'conversions.users', -1) ~ " end")
} %}
{% set of_known = 'case when user_history.is_history_known then cast({} as {}) end' %}
select
    free_months.month,
    free_months.feature_id,
    cast(free_months.users as bigint) as users,
    cast(free_months.answers as bigint) as answers,
    {{ money('free_months.revenue_usd') }} as revenue_usd,
    {{ money('free_months.production_usd') }} as production_usd,
    cast(free_months.production_usd as double)
    / nullif(cast(free_months.all_production_usd as double), 0) as production_usd_pct,
    {{ floored_part('free_months.production_usd', 1, 'free_months.answers') }} as usd_per_answer,
    {{ floored_part('free_months.production_usd', 1, 'free_months.users') }} as usd_per_user,
    cast(coalesce(conversions.users, 0) as bigint) as tried_users,
    {{ of_known.format('conversions.converted', 'bigint') }} as converted_users,
    {{ of_known.format('conversions.converted', 'double') }} / nullif(conversions.users, 0) as conversion_pct,
    cast(conversions.other_users as bigint) as other_users,
    {{ of_known.format('conversions.other_converted', 'double') }} / nullif(conversions.other_users, 0)
        as other_conversion_pct,
    {% for side, usd in usd_per_conversion.items() -%}
        {{ money(usd) }} as {{ 'usd_per_conversion' ~ side }},
    {% endfor -%}
    {{ money('paid_months.margin_usd_per_user') }} as paid_margin_usd_per_user,
    {% for side, usd in usd_per_conversion.items() -%}
        cast({{ usd }} as double) / cast(nullif(greatest(paid_months.margin_usd_per_user, 0), 0) as double)
            as {{ 'payback_months' ~ side }},
    {% endfor -%}
    {{ days_between('last_day(free_months.month)', 'user_history.newest_on') }}
    >= {{ var('conversion_days') }} as is_window_over
from free_months
cross join user_history
left join paid_months on free_months.month = paid_months.month
left join conversions on free_months.month = conversions.month and free_months.feature_id = conversions.feature_id
where free_months.production_usd != 0 or free_months.users > 0 or conversions.users > 0
