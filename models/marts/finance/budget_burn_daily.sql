-- one row per day and team or feature, for every day of its months up to the newest day in the data
with days as (

    select * from {{ ref('int_spend_days_filled') }}

),

-- What a weekday cost of late: a mean, because days add up to a month and medians don't.
weekdays as (

    select
        days.scope,
        days.scope_id,
        days.day,
        earlier.weekday,
        sum(earlier.borne_usd) as borne_usd,
        count(*) as times
    from days
    inner join days as earlier
        on
            days.scope = earlier.scope
            and days.scope_id = earlier.scope_id
            and earlier.has_begun
            and days.day >= earlier.day
            and {{ days_between('earlier.day', 'days.day') }} < 7 * {{ var('forecast_weeks') }}
    group by days.scope, days.scope_id, days.day, earlier.weekday

),

all_days as (

    select
        scope,
        scope_id,
        day,
        sum(borne_usd) as borne_usd,
        sum(times) as times
    from weekdays
    group by scope, scope_id, day

),

of_week (weekday) as (

    values (0), (1), (2), (3), (4), (5), (6)

),

-- How often each weekday is still to come; one that the history does not have yet costs what its days do on average.
{% set times_left = whole_quotient(
    days_between('days.day', "cast(days.month + interval 1 month as date)")
    ~ ' + 5 - (of_week.weekday - days.weekday + 6) % 7', 7
) %}
forecast as (

    select
        days.scope,
        days.scope_id,
        days.day,
        sum({{ floored_part(
            'coalesce(weekdays.borne_usd, all_days.borne_usd)', times_left, 'coalesce(weekdays.times, all_days.times)'
        ) }}) as rest_usd
    from days
    inner join all_days
        on days.scope = all_days.scope and days.scope_id = all_days.scope_id and days.day = all_days.day
    cross join of_week
    left join weekdays
        on
            days.scope = weekdays.scope
            and days.scope_id = weekdays.scope_id
            and days.day = weekdays.day
            and of_week.weekday = weekdays.weekday
    group by days.scope, days.scope_id, days.day

),

burned as (

    select
        days.scope,
        days.scope_id,
        days.day,
        days.month,
        forecast.rest_usd,
        sum(days.borne_usd) over (partition by days.scope, days.scope_id, days.month order by days.day)
            as month_to_date_usd
    from days
    left join forecast
        on days.scope = forecast.scope and days.scope_id = forecast.scope_id and days.day = forecast.day

)

select
    burned.day as burned_on,
    case when burned.scope = 'team' then burned.scope_id end as team_id,
    case when burned.scope = 'feature' then burned.scope_id end as feature_id,
    {{ money('burned.month_to_date_usd') }} as month_to_date_usd,
    {{ money('burned.month_to_date_usd + coalesce(burned.rest_usd, 0)') }} as forecast_usd,
    budgets.budget_usd,
    case
        when budgets.budget_usd is null then 'no_budget'
        when burned.month_to_date_usd > budgets.budget_usd then 'over'
        when burned.month_to_date_usd + coalesce(burned.rest_usd, 0) > budgets.budget_usd then 'forecast_over'
        when burned.month_to_date_usd >= budgets.budget_usd * {{ var('budget_warning_pct') }} then 'warning'
        else 'ok'
    end as status
from burned
left join {{ ref('budgets') }} as budgets
    on
        burned.scope = budgets.scope
        and burned.scope_id = budgets.scope_id
        and burned.month = date_trunc('month', budgets.month)
