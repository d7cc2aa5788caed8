-- Revenue of a period is earned evenly by its days.
with lines as (

    select * from {{ ref('stg_product__revenue_lines') }}
    where is_standing

),

periods as (

    select distinct
        period_start,
        period_end,
        cast(period_end - interval 1 day as date) as last_day
    from lines
    where period_start is not null

),

days as (

    select
        period_start,
        period_end,
        {{ each_day('period_start', 'last_day') }} as day
    from periods

),

months as (

    select
        period_start,
        period_end,
        cast(date_trunc('month', day) as date) as month,
        count(*) as days,
        {{ days_between('period_start', 'period_end') }} as period_days
    from days
    group by period_start, period_end, cast(date_trunc('month', day) as date)

),

floored as (

    select
        lines.line_id,
        lines.account_id,
        lines.plan,
        lines.feature_id,
        lines.revenue_usd,
        months.month,
        months.days,
        {{ floored_part('lines.revenue_usd', 'months.days', 'months.period_days') }} as part_usd
    from lines
    inner join months on lines.period_start = months.period_start and lines.period_end = months.period_end

)

select
    line_id as revenue_id,
    month,
    account_id,
    plan,
    feature_id,
    revenue_usd
from lines
where period_start is null

union all

select
    line_id || ':' || cast(month as string) as revenue_id,
    month,
    account_id,
    plan,
    feature_id,
    {{ part_with_residue('revenue_usd', 'part_usd', 'days', 'line_id', 'month') }} as revenue_usd
from floored
