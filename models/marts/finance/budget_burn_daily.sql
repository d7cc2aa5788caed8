with spend as (

    {% for scope, scope_id in [('team', 'bearer_team_id'), ('feature', 'originating_feature_id')] %}
        select
            '{{ scope }}' as scope,
            {{ scope_id }} as scope_id,
            spent_on,
            coalesce(sum(borne_usd), 0) as borne_usd
        from {{ ref('spend_daily') }}
        -- Calls without a time are on the first day of 1970.
        where spent_on > date '1970-01-01'
        group by {{ scope_id }}, spent_on
        {% if not loop.last %}
            union all
        {% endif %}
    {% endfor %}

),

-- A purchase is borne on days to come, which are not days of the data.
newest as (

    select
        coalesce(max(spent_on) filter (
            where scope = 'feature' and scope_id not in ('idle', 'invoice_only')
        ), max(spent_on)) as day,
        cast(date_trunc('month', min(spent_on)) as date) as first_month
    from spend

),

spend_and_budgets as (

    select
        scope,
        scope_id,
        spent_on as first_on,
        cast(date_trunc('month', spent_on) as date) as begins_on
    from spend

    union all

    select
        budgets.scope,
        budgets.scope_id,
        cast(null as date) as first_on,
        greatest(cast(date_trunc('month', budgets.month) as date), newest.first_month) as begins_on
    from {{ ref('budgets') }} as budgets
    cross join newest
    -- Those of accounts and segments are by month, in margin_forecasts_monthly.
    where budgets.scope in ('team', 'feature')

),

scopes as (

    select
        known.scope,
        known.scope_id,
        newest.day as newest_on,
        min(known.first_on) as first_on,
        min(known.begins_on) as begins_on
    from spend_and_budgets as known
    cross join newest
    group by known.scope, known.scope_id, newest.day

),

calendar as (

    select
        *,
        {{ each_day('begins_on', 'newest_on') }} as day
    from scopes

),

days as (

    select
        calendar.scope,
        calendar.scope_id,
        calendar.day,
        cast(date_trunc('month', calendar.day) as date) as month,
        {{ days_between("date '1970-01-01'", 'calendar.day') }} % 7 as weekday,
        coalesce(calendar.day >= calendar.first_on, false) as has_begun,
        {{ money('coalesce(spend.borne_usd, 0)') }} as borne_usd
    from calendar
    left join spend
        on calendar.scope = spend.scope and calendar.scope_id = spend.scope_id and calendar.day = spend.spent_on

),

-- The mean cost of each weekday in recent weeks. Not the median: days must add up to a month.
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

days_of_week (weekday) as (

    values (0), (1), (2), (3), (4), (5), (6)

),

-- How often each weekday is still to come. A weekday without history costs the mean of the days that have one.
{% set times_left = whole_quotient(
    days_between('days.day', "cast(days.month + interval 1 month as date)")
    ~ ' + 5 - (days_of_week.weekday - days.weekday + 6) % 7', 7
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
    cross join days_of_week
    left join weekdays
        on
            days.scope = weekdays.scope
            and days.scope_id = weekdays.scope_id
            and days.day = weekdays.day
            and days_of_week.weekday = weekdays.weekday
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
