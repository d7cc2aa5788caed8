-- one row per month and feature that cost or was used on a free plan: what it cost there, and who moved to a paid plan
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

pnl as (

    select
        summed.*,
        coalesce(revenue.revenue_usd, 0) as revenue_usd
    from {{ ref('int_free_plan_months') }} as summed
    left join revenue on summed.month = revenue.month and summed.feature_id = revenue.feature_id

),

-- Where no user has a history, nobody knows who moved.
known as (

    select
        greatest(max(users.valid_from), max(uses.newest_on)) as newest_on,
        count(*) > count(distinct users.user_id) as is_history_known
    from users
    cross join (select max(used_on) as newest_on from uses) as uses -- noqa: ST05

),

tried as (

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
-- Others are judged by the same rule, from their first use of the month on.
first_uses as (

    select
        month,
        user_id,
        min(first_on) as first_on,
        min(paid_from) as paid_from
    from tried
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

converted as (

    select
        tried.month,
        tried.feature_id,
        count(*) as users,
        sum({{ moved.format('tried.') }} then 1 else 0 end) as converted,
        max(free_users.month_users) - count(*) as other_users,
        max(free_users.month_converted) - sum(free_users.converted) as other_converted
    from tried
    inner join free_users on tried.month = free_users.month and tried.user_id = free_users.user_id
    group by tried.month, tried.feature_id

)

{% set of_known = 'case when known.is_history_known then cast({} as {}) end' %}
select
    pnl.month,
    pnl.feature_id,
    cast(pnl.users as bigint) as users,
    cast(pnl.answers as bigint) as answers,
    {{ money('pnl.revenue_usd') }} as revenue_usd,
    {{ money('pnl.production_usd') }} as production_usd,
    cast(pnl.production_usd as double) / nullif(cast(pnl.all_production_usd as double), 0) as production_usd_pct,
    {{ floored_part('pnl.production_usd', 1, 'pnl.answers') }} as usd_per_answer,
    {{ floored_part('pnl.production_usd', 1, 'pnl.users') }} as usd_per_user,
    cast(coalesce(converted.users, 0) as bigint) as tried_users,
    {{ of_known.format('converted.converted', 'bigint') }} as converted_users,
    {{ of_known.format('converted.converted', 'double') }} / nullif(converted.users, 0) as conversion_pct,
    cast(converted.other_users as bigint) as other_users,
    {{ of_known.format('converted.other_converted', 'double') }} / nullif(converted.other_users, 0)
        as other_conversion_pct,
    {{ days_between('last_day(pnl.month)', 'known.newest_on') }} >= {{ var('conversion_days') }} as is_window_over
from pnl
cross join known
left join converted on pnl.month = converted.month and pnl.feature_id = converted.feature_id
where pnl.production_usd != 0 or pnl.users > 0 or converted.users > 0
