{% set pair = ['new_feature_id', 'incumbent_feature_id'] %}
with effects as (

    select * from {{ ref('int_substitution_effects') }}
    where week = 0

),

monthly_uses as (

    select
        month,
        feature_id,
        sum(uses) as uses
    from {{ ref('int_feature_usage') }}
    group by month, feature_id

),

incumbent_usage as (

    select * from {{ ref('int_incumbent_usage') }}

),

launches as (

    select distinct
        new_feature_id,
        launched_on
    from effects

),

-- Production cost per use since the month of the launch.
use_costs as (

    select
        launches.new_feature_id,
        pnl.feature_id,
        {{ floored_part('sum(pnl.production_usd)', 1, 'sum(uses.uses)') }} as production_usd
    from launches
    inner join {{ ref('feature_pnl_monthly') }} as pnl on pnl.month >= date_trunc('month', launches.launched_on)
    inner join monthly_uses as uses on pnl.month = uses.month and pnl.feature_id = uses.feature_id
    group by launches.new_feature_id, pnl.feature_id

),

-- Between launch and adoption the new feature may already have an effect, so only uses before the launch tell whether
-- adopters and users who never adopt are alike.
users_by_account as (

    select
        new_feature_id,
        cluster_id,
        cast(count(case when role = 'adopter' then 1 end) as double) as adopters,
        cast(count(case when role = 'non_adopter' then 1 end) as double) as non_adopters
    from {{ ref('int_feature_adoptions') }}
    where role in ('adopter', 'non_adopter')
    group by new_feature_id, cluster_id

),

-- Averages include users with no use of the incumbent (as 0).
uses_by_account as (

    select
        incumbents.new_feature_id,
        incumbents.incumbent_feature_id,
        users.cluster_id,
        users.adopters,
        users.non_adopters,
        cast(coalesce(sum(case when uses.role = 'adopter' then uses.uses end), 0) as double) as adopter_uses,
        cast(coalesce(sum(case when uses.role = 'non_adopter' then uses.uses end), 0) as double) as non_adopter_uses
    from (select distinct {{ pair | join(', ') }} from incumbent_usage) as incumbents
    inner join users_by_account as users on incumbents.new_feature_id = users.new_feature_id
    left join incumbent_usage as uses
        on
            {{ are_same('incumbents', 'uses', pair) }}
            and users.cluster_id = uses.cluster_id
            and uses.day < 0
    group by
        incumbents.new_feature_id, incumbents.incumbent_feature_id, users.cluster_id, users.adopters,
        users.non_adopters

),

mean_uses as (

    select
        new_feature_id,
        incumbent_feature_id,
        count(*) as accounts,
        sum(adopters) as adopters,
        sum(non_adopters) as non_adopters,
        sum(adopter_uses) / nullif(sum(adopters), 0) as adopter_uses,
        sum(non_adopter_uses) / nullif(sum(non_adopters), 0) as non_adopter_uses
    from uses_by_account
    group by new_feature_id, incumbent_feature_id

),

use_variances as (

    select
        means.new_feature_id,
        means.incumbent_feature_id,
        cast(sum(cast(power(
            (accounts.adopter_uses - accounts.adopters * means.adopter_uses) / means.adopters
            - (accounts.non_adopter_uses - accounts.non_adopters * means.non_adopter_uses) / means.non_adopters,
            2
        ) as decimal(38, 18))) as double) as variance
    from uses_by_account as accounts
    inner join mean_uses as means on {{ are_same('accounts', 'means', pair) }}
    where means.adopters > 0 and means.non_adopters > 0
    group by means.new_feature_id, means.incumbent_feature_id

),

use_before as (

    select
        means.new_feature_id,
        means.incumbent_feature_id,
        means.adopter_uses,
        means.non_adopter_uses,
        case
            when means.accounts >= {{ var('substitution_min_accounts') }}
                then
                    {{ student_quantile('(means.accounts - 1)') }}
                    * sqrt(use_variances.variance * means.accounts / (means.accounts - 1.0))
        end as half_width
    from mean_uses as means
    left join use_variances on {{ are_same('means', 'use_variances', pair) }}

),

checked_effects as (

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
    from effects as launch
    left join effects as placebo
        on {{ are_same('launch', 'placebo', pair) }} and placebo.comparison = 'placebo'
    left join effects as trend
        on {{ are_same('launch', 'trend', pair) }} and trend.comparison = 'trend'
    left join use_before on {{ are_same('launch', 'use_before', pair) }}
    left join use_costs as new_costs
        on launch.new_feature_id = new_costs.new_feature_id and launch.new_feature_id = new_costs.feature_id
    left join use_costs as incumbent_costs
        on
            launch.new_feature_id = incumbent_costs.new_feature_id
            and launch.incumbent_feature_id = incumbent_costs.feature_id
    where launch.comparison = 'launch'

),

-- Amounts are per adopter. Variances of ratios follow the delta method.
priced_effects as (

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
    from checked_effects

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
from priced_effects
