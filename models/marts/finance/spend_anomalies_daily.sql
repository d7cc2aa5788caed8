{% set series = ['feature_id', 'purpose'] %}
{% set series_day = series + ['spent_on'] %}
{% set week = 'over (partition by {0}feature_id, {0}purpose order by {0}spent_on '
    ~ 'rows between 6 preceding and current row)' %}
with spend as (

    select * from {{ ref('spend_daily') }}
    -- Calls without a time are on the first day of 1970.
    where spent_on > date '1970-01-01'

),

-- A purchase is borne on days to come, which are not days of the data.
newest as (

    select
        coalesce(
            max(spent_on) filter (where originating_feature_id not in ('idle', 'invoice_only')), max(spent_on)
        ) as newest_on
    from spend

),

spend_per_day as (

    select
        originating_feature_id as feature_id,
        spent_on,
        sum(borne_usd) as borne_usd,
        sum(case when purpose = 'evaluation' then borne_usd end) as evaluation_usd
    from spend
    group by originating_feature_id, spent_on

),

first_days as (

    select
        originating_feature_id as feature_id,
        min(spent_on) as first_on,
        min(case when purpose = 'evaluation' then spent_on end) as first_evaluated_on,
        min(case when purpose != 'evaluation' then spent_on end) as first_produced_on
    from spend
    group by originating_feature_id

),

calendar as (

    select
        first_days.feature_id,
        first_days.first_evaluated_on,
        first_days.first_produced_on,
        newest.newest_on,
        {{ each_day('first_days.first_on', 'newest.newest_on') }} as spent_on
    from first_days
    cross join newest

),

-- Days without spend have a row too.
feature_days as (

    select
        calendar.feature_id,
        calendar.first_evaluated_on,
        calendar.first_produced_on,
        calendar.spent_on,
        calendar.spent_on = calendar.newest_on as is_newest,
        {{ days_between("date '1970-01-01'", 'calendar.spent_on') }} % 7 as weekday,
        coalesce(spend.borne_usd, 0) as borne_usd,
        coalesce(spend.evaluation_usd, 0) as evaluation_usd
    from calendar
    left join spend_per_day as spend
        on calendar.feature_id = spend.feature_id and calendar.spent_on = spend.spent_on

),

-- Evaluations run by a calendar of their own: they neither hide nor fake an anomaly of production.
purpose_days as (

    select
        feature_id,
        'production' as purpose,
        spent_on,
        is_newest,
        weekday,
        {{ money('borne_usd - evaluation_usd') }} as borne_usd
    from feature_days
    where spent_on >= first_produced_on or first_evaluated_on is null

    union all

    select
        feature_id,
        'evaluation' as purpose,
        spent_on,
        is_newest,
        weekday,
        {{ money('evaluation_usd') }} as borne_usd
    from feature_days
    where spent_on >= first_evaluated_on

),

days as (

    select
        *,
        sum(borne_usd) {{ week.format('') }} as week_usd,
        count(*) {{ week.format('') }} = 7 as is_week_known
    from purpose_days

),

weeks_before as (

    select
        days.{{ series_day | join(',\n        days.') }},
        earlier.borne_usd,
        earlier.week_usd,
        earlier.is_week_known,
        row_number() over (
            partition by days.feature_id, days.purpose, days.spent_on order by earlier.borne_usd
        ) as place,
        count(*) over (partition by days.feature_id, days.purpose, days.spent_on) as weeks,
        row_number() over (
            partition by days.feature_id, days.purpose, days.spent_on, earlier.is_week_known
            order by earlier.week_usd
        ) as week_place,
        count(*) over (
            partition by days.feature_id, days.purpose, days.spent_on, earlier.is_week_known
        ) as whole_weeks
    from days
    inner join days as earlier
        on
            {{ are_same('days', 'earlier', series + ['weekday']) }}
            and days.spent_on > earlier.spent_on
            and {{ days_between('earlier.spent_on', 'days.spent_on') }} <= 7 * {{ var('anomaly_weeks') }}
    -- Fees and credits keep no weekday.
    where days.feature_id not in ('idle', 'invoice_only')

),

-- The median: of an even count the mean of the two in the middle, exactly.
expected as (

    select
        {{ series_day | join(',\n        ') }},
        weeks,
        {{ money('sum(borne_usd) * case count(*) when 1 then 1.0 else 0.5 end') }} as expected_usd
    from weeks_before
    where 2 * place between weeks and weeks + 2 and weeks >= {{ var('anomaly_min_weeks') }}
    group by {{ series_day | join(', ') }}, weeks

),

expected_weeks as (

    select
        {{ series_day | join(',\n        ') }},
        {{ money('sum(week_usd) * case count(*) when 1 then 1.0 else 0.5 end') }} as expected_week_usd
    from weeks_before
    where
        is_week_known
        and 2 * week_place between whole_weeks and whole_weeks + 2
        and whole_weeks >= {{ var('anomaly_shift_min_weeks') }}
    group by {{ series_day | join(', ') }}

),

-- 1.4826 median absolute deviations are a standard deviation of normal noise.
week_spreads as (

    select
        weeks_before.{{ series_day | join(',\n        weeks_before.') }},
        {{ money(median('abs(weeks_before.week_usd - expected_weeks.expected_week_usd)') ~ ' * 1.4826') }}
            as week_spread_usd
    from weeks_before
    inner join expected_weeks on {{ are_same('weeks_before', 'expected_weeks', series_day) }}
    where weeks_before.is_week_known
    group by weeks_before.{{ series_day | join(', weeks_before.') }}

),

compared as (

    select
        days.*,
        expected.weeks,
        expected.expected_usd,
        sum(expected.expected_usd) over (partition by days.spent_on) as all_expected_usd
    from days
    left join expected on {{ are_same('days', 'expected', series_day) }}

),

-- A feature's noise: the deviations of the days before from what their weekdays led to expect.
spreads as (

    select
        compared.{{ series_day | join(',\n        compared.') }},
        {{ money(median('abs(earlier.borne_usd - earlier.expected_usd)') ~ ' * 1.4826') }} as spread_usd
    from compared
    inner join compared as earlier
        on
            {{ are_same('compared', 'earlier', series) }}
            and compared.spent_on > earlier.spent_on
            and {{ days_between('earlier.spent_on', 'compared.spent_on') }} <= 7 * {{ var('anomaly_weeks') }}
    where earlier.expected_usd is not null
    group by compared.{{ series_day | join(', compared.') }}
    having count(*) >= 7

),

{% set compared_week = week.format('compared.') %}
bounded as (

    select
        compared.*,
        spreads.spread_usd,
        expected_weeks.expected_week_usd,
        week_spreads.week_spread_usd,
        sum(compared.all_expected_usd) {{ compared_week }} as all_expected_week_usd,
        sum(case when compared.borne_usd > compared.expected_usd then 1 else 0 end) {{ compared_week }} as days_above,
        max(abs(compared.borne_usd - compared.expected_usd)) {{ compared_week }} as largest_gap_usd,
        sum(case when compared.borne_usd < compared.expected_usd then 1 else 0 end) {{ compared_week }} as days_below
    from compared
    left join spreads on {{ are_same('compared', 'spreads', series_day) }}
    left join expected_weeks on {{ are_same('compared', 'expected_weeks', series_day) }}
    left join week_spreads on {{ are_same('compared', 'week_spreads', series_day) }}

),

judged as (

    select
        *,
        case
            -- Until a spread is known, nothing tells an anomaly from noise.
            when spread_usd is null then null
            when abs(borne_usd - expected_usd) < all_expected_usd * {{ var('anomaly_floor_pct') }} then null
            when abs(borne_usd - expected_usd) <= spread_usd * {{ var('anomaly_spreads') }} then null
            when borne_usd > expected_usd and borne_usd >= expected_usd * {{ var('anomaly_ratio') }} then 'rise'
            -- The newest day may not be over.
            when is_newest then null
            when borne_usd = 0 and expected_usd > 0 then 'silence'
            when borne_usd < expected_usd and borne_usd * {{ var('anomaly_ratio') }} <= expected_usd then 'fall'
        end as anomaly,
        case
            when
                abs(week_usd - expected_week_usd) < all_expected_week_usd * {{ var('anomaly_shift_floor_pct') }}
                then null
            when abs(week_usd - expected_week_usd) <= week_spread_usd * {{ var('anomaly_spreads') }} then null
            -- Most days of the week must show it, and no day most of it: an odd day is no new level.
            when 2 * largest_gap_usd > abs(week_usd - expected_week_usd) then null
            when days_above >= 5 and week_usd >= expected_week_usd * {{ var('anomaly_shift_ratio') }} then 'rise'
            when is_newest then null
            when days_below >= 5 and week_usd * {{ var('anomaly_shift_ratio') }} <= expected_week_usd then 'fall'
        end as week_level
    from bounded

),

-- A shift is told once, on the day that first shows it; within two weeks it is the same one.
{% set before = "over (partition by feature_id, purpose order by spent_on rows between 13 preceding and 1 preceding)" %}
shifted as (

    select
        *,
        case
            when week_level = 'rise' and max(case when week_level = 'rise' then 1 else 0 end) {{ before }} = 1 then null
            when week_level = 'fall' and max(case when week_level = 'fall' then 1 else 0 end) {{ before }} = 1 then null
            else week_level
        end as level_shift
    from judged

)

select
    spent_on,
    feature_id,
    purpose,
    borne_usd,
    expected_usd,
    spread_usd,
    coalesce(weeks, 0) as weeks,
    case when is_week_known then {{ money('week_usd') }} end as week_usd,
    expected_week_usd,
    week_spread_usd,
    anomaly is not null or level_shift is not null as is_anomaly,
    anomaly,
    level_shift
from shifted
