-- one row per new feature and feature that was used before it: does the new one eat its use, and what is that worth?
with estimated as (

    select * from {{ ref('int_displacements_estimated') }}

),

uses as (

    select
        month,
        feature_id,
        sum(uses) as uses
    from {{ ref('int_uses_cohorted') }}
    group by month, feature_id

),

launches as (

    select distinct
        new_feature_id,
        launched_on
    from estimated

),

-- What a use earns and costs since the new feature is there.
worth as (

    select
        launches.new_feature_id,
        pnl.feature_id,
        {{ floored_part('sum(pnl.revenue_usd)', 1, 'sum(uses.uses)') }} as revenue_usd,
        {{ floored_part('sum(pnl.production_usd)', 1, 'sum(uses.uses)') }} as production_usd
    from launches
    inner join {{ ref('feature_pnl_monthly') }} as pnl on pnl.month >= date_trunc('month', launches.launched_on)
    inner join uses on pnl.month = uses.month and pnl.feature_id = uses.feature_id
    group by launches.new_feature_id, pnl.feature_id

)

{% set shown = 'case when launch.reason is null then {} end' %}
{% set shifted = 'launch.adopters * launch.displaced_uses' %}
{% set cost_change = 'cast(new_worth.production_usd - incumbent_worth.production_usd as double)' %}
{% set revenue_change = 'cast(new_worth.revenue_usd - incumbent_worth.revenue_usd as double)' %}
select
    launch.new_feature_id,
    launch.incumbent_feature_id,
    launch.launched_on,
    cast(launch.window_days as bigint) as window_days,
    launch.adopters,
    launch.non_adopters,
    launch.other_users,
    launch.adopter_before as uses_before_per_adopter,
    launch.non_adopter_before as uses_before_per_non_adopter,
    {{ shown.format('launch.adopter_after - launch.adopter_before') }} as uses_change_per_adopter,
    {{ shown.format('(launch.trend - 1) * launch.adopter_before') }} as uses_change_per_non_adopter,
    {{ shown.format('launch.displaced_uses') }} as displaced_uses_per_adopter,
    {{ shown.format('launch.displaced_uses - launch.half_width') }} as ci_low,
    {{ shown.format('launch.displaced_uses + launch.half_width') }} as ci_high,
    {{ shown.format('placebo.displaced_uses') }} as placebo_uses_per_adopter,
    {{ shown.format('abs(placebo.displaced_uses) <= placebo.half_width') }} as is_trend_parallel,
    launch.reason,
    new_worth.production_usd as new_usd_per_use,
    incumbent_worth.production_usd as incumbent_usd_per_use,
    {{ money(shown.format(shifted ~ ' * ' ~ cost_change)) }} as cost_change_usd,
    {{ money(shown.format(shifted ~ ' * (' ~ revenue_change ~ ' - ' ~ cost_change ~ ')')) }} as margin_change_usd
from estimated as launch
left join estimated as placebo
    on
        launch.new_feature_id = placebo.new_feature_id
        and launch.incumbent_feature_id = placebo.incumbent_feature_id
        and placebo.comparison = 'placebo'
left join worth as new_worth
    on launch.new_feature_id = new_worth.new_feature_id and launch.new_feature_id = new_worth.feature_id
left join worth as incumbent_worth
    on
        launch.new_feature_id = incumbent_worth.new_feature_id
        and launch.incumbent_feature_id = incumbent_worth.feature_id
where launch.comparison = 'launch'
