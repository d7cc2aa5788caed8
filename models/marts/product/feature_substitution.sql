-- one row per new feature and feature that was used before it: does the new one take over its use, and at which cost?
with estimated as (

    select * from {{ ref('int_substitution_effects') }}
    where week = 0

),

uses as (

    select
        month,
        feature_id,
        sum(uses) as uses
    from {{ ref('int_feature_usage') }}
    group by month, feature_id

),

launches as (

    select distinct
        new_feature_id,
        launched_on
    from estimated

),

-- Production cost of a use since the month of the launch.
costs as (

    select
        launches.new_feature_id,
        pnl.feature_id,
        {{ floored_part('sum(pnl.production_usd)', 1, 'sum(uses.uses)') }} as production_usd
    from launches
    inner join {{ ref('feature_pnl_monthly') }} as pnl on pnl.month >= date_trunc('month', launches.launched_on)
    inner join uses on pnl.month = uses.month and pnl.feature_id = uses.feature_id
    group by launches.new_feature_id, pnl.feature_id

),

checked as (

    select
        launch.*,
        new_costs.production_usd as new_usd_per_use,
        incumbent_costs.production_usd as incumbent_usd_per_use,
        cast(coalesce(new_costs.production_usd, 0) as double) as new_usd,
        cast(coalesce(incumbent_costs.production_usd, 0) as double) as incumbent_usd,
        placebo.displaced_uses as placebo_uses,
        trend.displaced_uses as trend_gap,
        use_before.adopter_uses as adopter_use_before,
        use_before.non_adopter_uses as non_adopter_use_before,
        launch.quantile * sqrt(launch.displaced_variance) as half_width,
        abs(placebo.displaced_uses) <= placebo.quantile * sqrt(placebo.displaced_variance) as is_placebo_silent,
        abs(trend.displaced_uses) <= trend.quantile * sqrt(trend.displaced_variance) as is_trend_parallel,
        abs(use_before.adopter_uses - use_before.non_adopter_uses) <= use_before.half_width as is_use_before_alike
    from estimated as launch
    left join estimated as placebo
        on
            launch.new_feature_id = placebo.new_feature_id
            and launch.incumbent_feature_id = placebo.incumbent_feature_id
            and placebo.comparison = 'placebo'
    left join estimated as trend
        on
            launch.new_feature_id = trend.new_feature_id
            and launch.incumbent_feature_id = trend.incumbent_feature_id
            and trend.comparison = 'trend'
    left join {{ ref('int_uses_before_compared') }} as use_before
        on
            launch.new_feature_id = use_before.new_feature_id
            and launch.incumbent_feature_id = use_before.incumbent_feature_id
    left join costs as new_costs
        on launch.new_feature_id = new_costs.new_feature_id and launch.new_feature_id = new_costs.feature_id
    left join costs as incumbent_costs
        on
            launch.new_feature_id = incumbent_costs.new_feature_id
            and launch.incumbent_feature_id = incumbent_costs.feature_id
    where launch.comparison = 'launch'

),

-- Per adopter; a NULL reason means that there is an estimate. Variances of ratios by the delta method.
priced as (

    select
        *,
        displaced_uses / nullif(expected_uses, 0) as lost,
        displaced_uses / nullif(new_uses, 0) as diverted,
        quantile * sqrt(greatest(
            displaced_variance
            - 2 * displaced_uses / nullif(expected_uses, 0) * displaced_expected_covariance
            + power(displaced_uses / nullif(expected_uses, 0), 2) * expected_variance, 0
        )) / nullif(expected_uses, 0) as lost_half_width,
        quantile * sqrt(greatest(
            displaced_variance
            - 2 * displaced_uses / nullif(new_uses, 0) * displaced_new_uses_covariance
            + power(displaced_uses / nullif(new_uses, 0), 2) * new_uses_variance, 0
        )) / nullif(new_uses, 0) as diverted_half_width,
        adopters * (new_usd * new_uses - incumbent_usd * displaced_uses) as net_cost,
        adopters * quantile * sqrt(greatest(
            power(new_usd, 2) * new_uses_variance
            - 2 * new_usd * incumbent_usd * displaced_new_uses_covariance
            + power(incumbent_usd, 2) * displaced_variance, 0
        )) as net_cost_half_width
    from checked

)

{% set shown = 'case when reason is null then {} end' %}
select
    new_feature_id,
    incumbent_feature_id,
    launched_on,
    cast(window_days as bigint) as window_days,
    adopters,
    non_adopters,
    other_users,
    accounts,
    adopter_before as uses_before_per_adopter,
    non_adopter_before as uses_before_per_non_adopter,
    {{ shown.format('adopter_after - adopter_before') }} as uses_change_per_adopter,
    {{ shown.format('expected_uses - adopter_before') }} as uses_change_per_non_adopter,
    {{ shown.format('displaced_uses') }} as displaced_uses_per_adopter,
    {{ shown.format('displaced_uses - half_width') }} as ci_low,
    {{ shown.format('displaced_uses + half_width') }} as ci_high,
    {{ shown.format('lost') }} as adopters_lost_pct,
    {{ shown.format('lost - lost_half_width') }} as adopters_lost_pct_low,
    {{ shown.format('lost + lost_half_width') }} as adopters_lost_pct_high,
    -- All that adopters and non-adopters would have used, at the adopters' growth.
    {{ shown.format(
        'lost * adopters * adopter_before'
        ~ ' / nullif(adopters * adopter_before + non_adopters * coalesce(non_adopter_before, 0), 0)'
    ) }} as incumbent_lost_pct,
    {{ shown.format('new_uses') }} as new_uses_per_adopter,
    {{ shown.format('diverted') }} as diversion_pct,
    {{ shown.format('diverted - diverted_half_width') }} as diversion_pct_low,
    {{ shown.format('diverted + diverted_half_width') }} as diversion_pct_high,
    case
        when reason is not null or is_use_before_alike is null then 'not checked'
        when is_use_before_alike then 'comparable'
        else 'not comparable'
    end as use_before_verdict,
    {{ shown.format('trend_gap') }} as trend_gap_uses_per_adopter,
    {{ shown.format('is_trend_parallel') }} as is_trend_parallel,
    case
        when reason is not null or is_trend_parallel is null then 'not checked'
        when is_trend_parallel then 'parallel'
        else 'not parallel'
    end as trend_verdict,
    {{ shown.format('placebo_uses') }} as placebo_uses_per_adopter,
    case
        when reason is not null or is_placebo_silent is null then 'not checked'
        when is_placebo_silent then 'no effect before the launch'
        else 'an effect before the launch'
    end as placebo_verdict,
    case
        when reason is not null then 'no estimate: ' || replace(reason, '_', ' ')
        when accounts < {{ var('substitution_min_accounts') }}
            then 'no interval: fewer than {{ var("substitution_min_accounts") }} accounts'
        when quantile is null then 'no interval: one account has all adopters or all controls'
        when not is_use_before_alike and adopter_use_before > non_adopter_use_before
            then 'not comparable: adopters used it more before they adopted'
        when not is_use_before_alike then 'not comparable: adopters used it less before they adopted'
        -- Two tests of one hypothesis: either alone fails by chance too often.
        when not is_trend_parallel and not is_placebo_silent
            then 'not comparable: use ran apart before the launch'
        when displaced_uses - half_width > 0 then 'displaces use'
        when displaced_uses + half_width < 0 then 'adds use'
        else 'no effect shown'
    end as verdict,
    reason,
    new_usd_per_use,
    incumbent_usd_per_use,
    {{ money(shown.format('adopters * new_uses * new_usd')) }} as extra_cost_usd,
    {{ money(shown.format('adopters * displaced_uses * incumbent_usd')) }} as saved_cost_usd,
    {{ money(shown.format('net_cost')) }} as net_cost_usd,
    {{ money(shown.format('net_cost - net_cost_half_width')) }} as net_cost_usd_low,
    {{ money(shown.format('net_cost + net_cost_half_width')) }} as net_cost_usd_high,
    {{ money(shown.format('adopters * displaced_uses * (new_usd - incumbent_usd)')) }} as cost_change_usd,
    {{ money(shown.format('-net_cost')) }} as margin_change_usd
from priced
