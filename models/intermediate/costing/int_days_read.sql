{{ config(materialized=table_that_asks_itself()) }}
with charges as (

    select
        line_id,
        charged_on,
        cast(date_trunc('month', charged_on) as date) as month,
        driver_id,
        driver_group_id,
        coalesce(group_capacity > 0, false) as has_capacity
    from {{ ref('int_charges') }}
    where meter = 'total' or driver_id is not null

),

-- A credit of own capacity is used as far as all lines of its driver in the month are.
driver_months as (

    select
        driver_id,
        month
    from charges
    where driver_id is not null
    group by driver_id, month
    having bool_or(has_capacity) and not bool_and(has_capacity)

),

-- Lines of own capacity for the same days are shared by the calls of all of them, as a total is.
totals as (

    select
        coalesce(
            months.driver_id || cast(months.month as string), charges.driver_group_id, charges.line_id
        ) as shared_id,
        charges.charged_on
    from charges
    left join driver_months as months
        on charges.driver_id = months.driver_id and charges.month = months.month

),

habits as (

    select
        month,
        sum(cast({{ row_key('habit') }} as decimal(38, 0))) as total
    from (
        select
            month,
            {{ entry_key(['service_name', 'model_key', 'provider']) }} as habit
        from {{ ref('int_inferred_providers') }}
    ) as said
    group by month

),

days as (

    select
        reopened.day,
        reopened.is_reopened,
        coalesce(sum(habits.total), 0) as habits_total
    from {{ ref('int_days_reopened') }} as reopened
    -- On a provider's clock the month's last day may begin in the next.
    left join habits
        on habits.month in (
            cast(date_trunc('month', reopened.day - interval 1 day) as date),
            cast(date_trunc('month', reopened.day + interval 1 day) as date)
        )
    group by reopened.day, reopened.is_reopened

)

{% if builds_on() %}
    ,

    changed as (

        select days.*
        from days
        left join {{ this }} as before on days.day = before.day
        where days.is_reopened or days.habits_total is distinct from before.habits_total

    ),

    -- A total is divided over its days, so use on one day changes the parts of the others.
    news as (

        select day from changed

        union

        select charged_on as day
        from totals
        where shared_id in (
            select seen.shared_id
            from totals as seen
            where seen.charged_on in (select changed.day from changed)
        )

    ),

    -- Adjacent days take what a day's charges or calls leave over, so a change reaches two days to either side.
    beside as (

        select distinct groups.usage_on as day
        from {{ last_built('int_cutoff_matches') }} as groups
        inner join news as changed on groups.usage_on between changed.day - 2 and changed.day + 2
        where groups.over_quantity > 0 or groups.under_quantity > 0

    ),

    matched as (

        select day from news

        union

        select day from beside

    )

    select
        days.day,
        days.habits_total,
        days.day in (select news.day from news) as is_changed,
        days.day in (select matched.day from matched) as is_matched,
        -- Calls without a charge on their day take the rate of an adjacent day's charge, so its day is read too.
        days.day in (
            select cast(matched.day + steps.days * interval 1 day as date)
            from matched
            cross join (values (-1), (0), (1)) as steps (days)
        ) as is_read
    from days
{% else %}
    select
        day,
        habits_total,
        true as is_changed,
        true as is_matched,
        true as is_read
    from days
{% endif %}
