{% set exact = "cast({} as decimal(38, 18))" %}
{% set weeks = (var('substitution_window_days') / 7) | round(0, 'floor') | int %}
{% set pair = ['new_feature_id', 'incumbent_feature_id'] %}
{% set estimate = ['comparison', 'week'] + pair %}
{# After the launch, all users who have not adopted yet are controls; before it, only those who never adopt. #}
{% set is_control = "case {0}.comparison when 'launch' then coalesce({1}.adopted_day >= {2}.day, true)
    else {1}.role = 'non_adopter' end" %}
with usage as (

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

-- `launch` compares the days after the adoption, all of them (week 0) and week by week. `placebo` compares the second
-- half of the window before the launch and `trend` all of it, when nothing can have been displaced yet.
comparisons (comparison, week) as (

    values
    {% for week in range(weeks + 1) -%}
        ('launch', {{ week }}),
    {% endfor -%}
    ('placebo', 0), ('trend', 0)

),

-- The days compared, by day of adoption. The day of adoption itself is left out, because users choose it.
windows as (

    select
        comparisons.comparison,
        comparisons.week,
        adoptions.*,
        case comparisons.comparison
            when 'placebo' then -adoptions.half
            when 'trend' then -adoptions.window_days
            else adoptions.adopted_day + 1 + greatest(7 * comparisons.week - 7, 0)
        end as from_day,
        case
            when comparisons.comparison != 'launch' then -1
            when comparisons.week = 0 then adoptions.adopted_day + adoptions.post_days
            else adoptions.adopted_day + 7 * comparisons.week
        end as to_day
    from adoptions
    cross join comparisons
    where comparisons.week = 0 or adoptions.post_days >= 7 * comparisons.week

),

days as (

    select distinct
        new_feature_id,
        day
    from usage

),

-- A shorter window is scaled up to a whole one. The trend is what a straight line through the days gains in a window.
day_weights as (

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

-- Uses in the whole window before the launch, for the placebo in its first half.
uses_before as (

    select
        comparisons.comparison,
        usage.{{ pair | join(',\n        usage.') }},
        usage.cluster_id,
        usage.role,
        usage.adopted_day,
        sum(
            case
                when usage.day >= 0 then 0
                when comparisons.comparison = 'placebo' and not usage.is_first_half then 0
                else usage.uses
            end
        ) as before
    from usage
    cross join comparisons
    where comparisons.week = 0
    group by
        comparisons.comparison, usage.{{ pair | join(', usage.') }}, usage.cluster_id, usage.role, usage.adopted_day

),

uses_before_by_adoption as (

    select
        comparison,
        {{ pair | join(',\n        ') }},
        role,
        adopted_day,
        sum(before) as before
    from uses_before
    group by comparison, {{ pair | join(', ') }}, role, adopted_day

),

control_uses as (

    select
        {{ pair | join(',\n        ') }},
        day,
        sum(case when coalesce(adopted_day >= day, true) then uses else 0 end) as uses,
        sum(case when role = 'non_adopter' then uses else 0 end) as non_adopter_uses
    from usage
    group by {{ pair | join(', ') }}, day

),

-- Without the new feature, adopters would use the incumbent at the controls' rate: uses on a day, per use in the window
-- before the launch (for the placebo: per use in its first half).
control_rates as (

    select
        controls.comparison,
        control_uses.{{ pair | join(',\n        control_uses.') }},
        control_uses.day,
        cast(sum(controls.before) as double) as base,
        cast(max(
            case controls.comparison when 'launch' then control_uses.uses else control_uses.non_adopter_uses end
        ) as double) / nullif(cast(sum(controls.before) as double), 0) as rate
    from control_uses
    inner join uses_before_by_adoption as controls
        on
            {{ are_same('control_uses', 'controls', pair) }}
            and {{ is_control.format('controls', 'controls', 'control_uses') }}
    group by controls.comparison, control_uses.{{ pair | join(', control_uses.') }}, control_uses.day

),

expected_uses as (

    select
        day_weights.comparison,
        day_weights.week,
        day_weights.new_feature_id,
        control_rates.incumbent_feature_id,
        day_weights.adopted_day,
        sum({{ exact.format('cast(day_weights.weight as double) * control_rates.rate') }}) as expected_per_use,
        min(coalesce(control_rates.base, 0)) as base
    from day_weights
    inner join control_rates
        on {{ are_same('day_weights', 'control_rates', ['comparison', 'new_feature_id', 'day']) }}
    group by
        day_weights.comparison, day_weights.week, day_weights.new_feature_id, control_rates.incumbent_feature_id,
        day_weights.adopted_day

),

-- The weight of each day in the uses that adopters are expected to have.
expected_day_weights as (

    select
        day_weights.comparison,
        day_weights.week,
        day_weights.new_feature_id,
        adopters.incumbent_feature_id,
        day_weights.day,
        cast(sum({{ exact.format('cast(day_weights.weight as double) * adopters.before') }}) as double) as weight
    from day_weights
    inner join uses_before_by_adoption as adopters
        on {{ are_same('day_weights', 'adopters', ['comparison', 'new_feature_id', 'adopted_day']) }}
    where adopters.role = 'adopter'
    group by
        day_weights.comparison, day_weights.week, day_weights.new_feature_id, adopters.incumbent_feature_id,
        day_weights.day

),

-- A control's use on a day raises the uses expected of adopters by its leverage; a use before the launch lowers them.
leverages as (

    select
        days.*,
        {{ exact.format('days.weight / nullif(control_rates.base, 0)') }} as leverage,
        {{ exact.format('control_rates.rate * days.weight / nullif(control_rates.base, 0)') }} as leverage_before
    from expected_day_weights as days
    inner join control_rates on {{ are_same('days', 'control_rates', ['comparison', 'day'] + pair) }}
    where days.weight > 0

),

account_parts as (

    -- Adopters' uses before the launch, and the uses that are expected of them.
    select
        windows.comparison,
        windows.week,
        adopters.new_feature_id,
        adopters.incumbent_feature_id,
        adopters.cluster_id,
        adopters.before,
        {{ exact.format('adopters.before * cast(coalesce(expected_uses.expected_per_use, 0) as double)') }}
            as expected_uses,
        0 as uses,
        0 as influence,
        0 as control_expected,
        coalesce(expected_uses.base, 0) as base
    from uses_before as adopters
    inner join windows on {{ are_same('adopters', 'windows', ['comparison', 'new_feature_id', 'adopted_day']) }}
    left join expected_uses
        on
            {{ are_same('windows', 'expected_uses', ['comparison', 'week', 'adopted_day']) }}
            and {{ are_same('adopters', 'expected_uses', pair) }}
    where adopters.role = 'adopter'

    union all

    -- Adopters' uses since.
    select
        day_weights.comparison,
        day_weights.week,
        usage.new_feature_id,
        usage.incumbent_feature_id,
        usage.cluster_id,
        0 as before,
        0 as expected_uses,
        {{ exact.format('cast(day_weights.weight as double) * usage.uses') }} as uses,
        0 as influence,
        0 as control_expected,
        cast(null as double) as base
    from usage
    inner join day_weights on {{ are_same('usage', 'day_weights', ['new_feature_id', 'adopted_day', 'day']) }}
    where usage.role = 'adopter'

    union all

    -- Controls' uses on the days compared, ...
    select
        leverages.{{ estimate | join(',\n        leverages.') }},
        usage.cluster_id,
        0 as before,
        0 as expected_uses,
        0 as uses,
        {{ exact.format('cast(leverages.leverage as double) * usage.uses') }} as influence,
        0 as control_expected,
        cast(null as double) as base
    from leverages
    inner join usage on {{ are_same('leverages', 'usage', ['day'] + pair) }}
    where {{ is_control.format('leverages', 'usage', 'usage') }}

    union all

    -- ... less what was expected of them.
    select
        leverages.{{ estimate | join(',\n        leverages.') }},
        controls.cluster_id,
        0 as before,
        0 as expected_uses,
        0 as uses,
        {{ exact.format('-cast(leverages.leverage_before as double) * controls.before') }} as influence,
        {{ exact.format('cast(leverages.leverage_before as double) * controls.before') }} as control_expected,
        cast(null as double) as base
    from leverages
    inner join uses_before as controls on {{ are_same('leverages', 'controls', ['comparison'] + pair) }}
    where controls.before > 0 and {{ is_control.format('leverages', 'controls', 'leverages') }}

)

select
    {{ estimate | join(',\n    ') }},
    cluster_id,
    sum(before) as before,
    sum(expected_uses) as expected_uses,
    sum(uses) as uses,
    sum(influence) as influence,
    sum(control_expected) as control_expected,
    min(base) as base
from account_parts
group by {{ estimate | join(', ') }}, cluster_id
