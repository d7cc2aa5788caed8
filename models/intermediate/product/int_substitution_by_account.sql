-- one row per comparison, week since adoption (0: all of the window), new feature, incumbent and account: the account's
-- part in the sums that the estimate is made of, the influence of its controls on what adopters are expected to use,
-- and how much of that the level of its controls stands for.
{% set exact = "cast({} as decimal(38, 18))" %}
{% set weeks = (var('substitution_window_days') / 7) | round(0, 'floor') | int %}
with grouped as (

    select * from {{ ref('int_incumbent_usage') }}

),

adoptions as (

    select
        new_feature_id,
        adopted_day,
        post_days,
        window_days,
        {{ whole_quotient('window_days', 2) }} as half
    from {{ ref('int_feature_adoptions') }}
    where role = 'adopter'
    group by new_feature_id, adopted_day, post_days, window_days

),

-- The days that each comparison looks at, by day of adoption. The day of adoption itself is left out: users choose it.
-- `launch` and its weeks: after the adoption. `placebo`: the second half of the window before the launch, `trend`: all
-- of it, when nothing can have been displaced.
windows as (

    select
        'launch' as comparison,
        0 as week,
        adoptions.*,
        adoptions.adopted_day + 1 as from_day,
        adoptions.adopted_day + adoptions.post_days as to_day
    from adoptions

    {% for week in range(1, weeks + 1) %}
        union all

        select
            'launch' as comparison,
            {{ week }} as week,
            adoptions.*,
            adoptions.adopted_day + {{ 7 * week - 6 }} as from_day,
            adoptions.adopted_day + {{ 7 * week }} as to_day
        from adoptions
        where adoptions.post_days >= {{ 7 * week }}
    {% endfor %}

    {% for comparison, from_day in [('placebo', 'half'), ('trend', 'window_days')] %}
        union all

        select
            '{{ comparison }}' as comparison,
            0 as week,
            adoptions.*,
            -adoptions.{{ from_day }} as from_day,
            -1 as to_day
        from adoptions
    {% endfor %}

),

days as (

    select distinct
        new_feature_id,
        day
    from grouped

),

-- Shorter windows count up to a whole one; the trend is what a straight line through the days gains in a window's time.
weights as (

    select
        windows.comparison,
        windows.week,
        windows.new_feature_id,
        windows.adopted_day,
        days.day,
        {{ exact.format("case
            when windows.comparison = 'launch' and windows.week = 0
                then windows.window_days / cast(windows.post_days as double)
            when windows.comparison = 'trend' then
                12.0 * windows.window_days * (days.day + (windows.window_days + 1) / 2.0)
                / (windows.window_days * windows.window_days - 1.0)
            else 1
        end") }} as weight
    from windows
    inner join days
        on
            windows.new_feature_id = days.new_feature_id
            and windows.from_day <= days.day
            and windows.to_day >= days.day

),

-- Uses before: of all the window before the launch, or of its first half for the placebo.
befores as (

    {% for comparison, before in [
        ('launch', 'day < 0'), ('trend', 'day < 0'),
        ('placebo', 'day < ' ~ whole_quotient('window_days', 2) ~ ' - window_days')
    ] %}
        select
            '{{ comparison }}' as comparison,
            new_feature_id,
            incumbent_feature_id,
            cluster_id,
            role,
            is_control,
            adopted_day,
            sum(case when {{ before }} then uses else 0 end) as before
        from grouped
        group by new_feature_id, incumbent_feature_id, cluster_id, role, is_control, adopted_day
        {{ 'union all' if not loop.last }}
    {% endfor %}

),

-- After the launch, all who have not adopted before a day are controls on it; before the launch, those who never adopt.
control_befores as (

    select
        comparison,
        new_feature_id,
        incumbent_feature_id,
        adopted_day,
        sum(before) as before
    from befores
    where is_control and (comparison = 'launch' or role = 'non_adopter')
    group by comparison, new_feature_id, incumbent_feature_id, adopted_day

),

control_uses as (

    select
        new_feature_id,
        incumbent_feature_id,
        day,
        sum(case when is_control and (adopted_day is null or adopted_day >= day) then uses else 0 end) as uses,
        sum(case when role = 'non_adopter' then uses else 0 end) as never_uses
    from grouped
    group by new_feature_id, incumbent_feature_id, day

),

-- Controls' uses of a day per use that they had before: what adopters would do, by each use of their own before.
rates as (

    select
        control_befores.comparison,
        control_uses.new_feature_id,
        control_uses.incumbent_feature_id,
        control_uses.day,
        cast(sum(control_befores.before) as double) as base,
        cast(max(
            case control_befores.comparison when 'launch' then control_uses.uses else control_uses.never_uses end
        ) as double) / nullif(cast(sum(control_befores.before) as double), 0) as rate
    from control_uses
    inner join control_befores
        on
            control_uses.new_feature_id = control_befores.new_feature_id
            and control_uses.incumbent_feature_id = control_befores.incumbent_feature_id
            and (
                control_befores.comparison != 'launch'
                or control_befores.adopted_day is null
                or control_uses.day <= control_befores.adopted_day
            )
    group by
        control_befores.comparison, control_uses.new_feature_id, control_uses.incumbent_feature_id, control_uses.day

),

expected as (

    select
        weights.comparison,
        weights.week,
        weights.new_feature_id,
        rates.incumbent_feature_id,
        weights.adopted_day,
        sum({{ exact.format('cast(weights.weight as double) * rates.rate') }}) as expected_per_use,
        min(coalesce(rates.base, 0)) as base
    from weights
    inner join rates
        on
            weights.comparison = rates.comparison
            and weights.new_feature_id = rates.new_feature_id
            and weights.day = rates.day
    group by weights.comparison, weights.week, weights.new_feature_id, rates.incumbent_feature_id, weights.adopted_day

),

adopter_befores as (

    select
        comparison,
        new_feature_id,
        incumbent_feature_id,
        adopted_day,
        sum(before) as before
    from befores
    where role = 'adopter'
    group by comparison, new_feature_id, incumbent_feature_id, adopted_day

),

-- Each day's weight in the uses that adopters are expected to have.
day_totals as (

    select
        weights.comparison,
        weights.week,
        weights.new_feature_id,
        adopter_befores.incumbent_feature_id,
        weights.day,
        cast(sum({{ exact.format('cast(weights.weight as double) * adopter_befores.before') }}) as double)
            as weighed_before
    from weights
    inner join adopter_befores
        on
            weights.comparison = adopter_befores.comparison
            and weights.new_feature_id = adopter_befores.new_feature_id
            and weights.adopted_day = adopter_befores.adopted_day
    group by
        weights.comparison, weights.week, weights.new_feature_id, adopter_befores.incumbent_feature_id, weights.day

),

-- A control's use on a day raises the adopters' expected sum by this leverage; its use before the launch lowers it.
leverages as (

    select
        day_totals.comparison,
        day_totals.week,
        day_totals.new_feature_id,
        day_totals.incumbent_feature_id,
        day_totals.day,
        {{ exact.format('day_totals.weighed_before / nullif(rates.base, 0)') }} as leverage,
        {{ exact.format('rates.rate * day_totals.weighed_before / nullif(rates.base, 0)') }} as leverage_before
    from day_totals
    inner join rates
        on
            day_totals.comparison = rates.comparison
            and day_totals.new_feature_id = rates.new_feature_id
            and day_totals.incumbent_feature_id = rates.incumbent_feature_id
            and day_totals.day = rates.day
    where day_totals.weighed_before > 0

),

parts as (

    -- Adopters: their uses before, what they would have used, ...
    select
        windows.comparison,
        windows.week,
        befores.new_feature_id,
        befores.incumbent_feature_id,
        befores.cluster_id,
        befores.before,
        {{ exact.format('befores.before * cast(coalesce(expected.expected_per_use, 0) as double)') }} as expected_uses,
        0 as uses,
        0 as influence,
        0 as control_expected,
        coalesce(expected.base, 0) as base
    from befores
    inner join windows
        on
            befores.comparison = windows.comparison
            and befores.new_feature_id = windows.new_feature_id
            and befores.adopted_day = windows.adopted_day
    left join expected
        on
            windows.comparison = expected.comparison
            and windows.week = expected.week
            and befores.new_feature_id = expected.new_feature_id
            and befores.incumbent_feature_id = expected.incumbent_feature_id
            and befores.adopted_day = expected.adopted_day
    where befores.role = 'adopter'

    union all

    -- ... and what they did use.
    select
        weights.comparison,
        weights.week,
        grouped.new_feature_id,
        grouped.incumbent_feature_id,
        grouped.cluster_id,
        0 as before,
        0 as expected_uses,
        {{ exact.format('cast(weights.weight as double) * grouped.uses') }} as uses,
        0 as influence,
        0 as control_expected,
        cast(null as double) as base
    from grouped
    inner join weights
        on
            grouped.new_feature_id = weights.new_feature_id
            and grouped.adopted_day = weights.adopted_day
            and grouped.day = weights.day
    where grouped.role = 'adopter'

    union all

    -- Controls: their uses on the days that adopters are compared on, less what was expected of them.
    select
        leverages.comparison,
        leverages.week,
        leverages.new_feature_id,
        leverages.incumbent_feature_id,
        grouped.cluster_id,
        0 as before,
        0 as expected_uses,
        0 as uses,
        {{ exact.format('cast(leverages.leverage as double) * grouped.uses') }} as influence,
        0 as control_expected,
        cast(null as double) as base
    from leverages
    inner join grouped
        on
            leverages.new_feature_id = grouped.new_feature_id
            and leverages.incumbent_feature_id = grouped.incumbent_feature_id
            and leverages.day = grouped.day
    where
        grouped.is_control
        and case leverages.comparison
            when 'launch' then coalesce(grouped.adopted_day >= grouped.day, true)
            else grouped.role = 'non_adopter'
        end

    union all

    select
        leverages.comparison,
        leverages.week,
        leverages.new_feature_id,
        leverages.incumbent_feature_id,
        befores.cluster_id,
        0 as before,
        0 as expected_uses,
        0 as uses,
        {{ exact.format('-cast(leverages.leverage_before as double) * befores.before') }} as influence,
        {{ exact.format('cast(leverages.leverage_before as double) * befores.before') }} as control_expected,
        cast(null as double) as base
    from leverages
    inner join befores
        on
            leverages.comparison = befores.comparison
            and leverages.new_feature_id = befores.new_feature_id
            and leverages.incumbent_feature_id = befores.incumbent_feature_id
    where
        befores.is_control
        and befores.before > 0
        and case leverages.comparison
            when 'launch' then coalesce(befores.adopted_day >= leverages.day, true)
            else befores.role = 'non_adopter'
        end

)

select
    comparison,
    week,
    new_feature_id,
    incumbent_feature_id,
    cluster_id,
    sum(before) as before,
    sum(expected_uses) as expected_uses,
    sum(uses) as uses,
    sum(influence) as influence,
    sum(control_expected) as control_expected,
    min(base) as base
from parts
group by comparison, week, new_feature_id, incumbent_feature_id, cluster_id
