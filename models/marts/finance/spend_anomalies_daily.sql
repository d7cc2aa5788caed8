-- one row per day and feature, from the feature's first day to the newest day in the data
with days as (

    -- A day on which a feature spent nothing is a row too.
    select
        scope_id as feature_id,
        day as spent_on,
        day = newest_on as is_newest,
        weekday,
        borne_usd
    from {{ ref('int_spend_days_filled') }}
    where scope = 'feature' and has_begun

),

weeks_before as (

    select
        days.feature_id,
        days.spent_on,
        earlier.borne_usd,
        row_number() over (partition by days.feature_id, days.spent_on order by earlier.borne_usd) as place,
        count(*) over (partition by days.feature_id, days.spent_on) as weeks
    from days
    inner join days as earlier
        on
            days.feature_id = earlier.feature_id
            and days.weekday = earlier.weekday
            and days.spent_on > earlier.spent_on
            and {{ days_between('earlier.spent_on', 'days.spent_on') }} <= 7 * {{ var('anomaly_weeks') }}

),

-- The median: of an even count the mean of the two in the middle, exactly.
expected as (

    select
        feature_id,
        spent_on,
        weeks,
        {{ money('sum(borne_usd) * case count(*) when 1 then 1.0 else 0.5 end') }} as expected_usd
    from weeks_before
    -- Fees and credits keep no weekday.
    where
        2 * place between weeks and weeks + 2 and weeks >= {{ var('anomaly_min_weeks') }}
        and feature_id != 'invoice_only'
    group by feature_id, spent_on, weeks

),

compared as (

    select
        days.*,
        expected.weeks,
        expected.expected_usd,
        sum(expected.expected_usd) over (partition by days.spent_on) as all_expected_usd
    from days
    left join expected on days.feature_id = expected.feature_id and days.spent_on = expected.spent_on

),

judged as (

    select
        *,
        case
            when abs(borne_usd - expected_usd) < all_expected_usd * {{ var('anomaly_floor_pct') }} then null
            when borne_usd > expected_usd and borne_usd >= expected_usd * {{ var('anomaly_ratio') }} then 'rise'
            -- The newest day may not be over.
            when is_newest then null
            when borne_usd = 0 and expected_usd > 0 then 'silence'
            when borne_usd < expected_usd and borne_usd * {{ var('anomaly_ratio') }} <= expected_usd then 'fall'
        end as anomaly
    from compared

)

select
    spent_on,
    feature_id,
    borne_usd,
    expected_usd,
    coalesce(weeks, 0) as weeks,
    anomaly is not null as is_anomaly,
    anomaly
from judged
