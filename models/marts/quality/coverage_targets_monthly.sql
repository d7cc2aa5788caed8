with targets as (

    select
        coalesce(chains.newest_feature_id, targets.feature_id) as feature_id,
        coalesce(chains.steps, 0) as steps,
        targets.target_pct,
        targets.valid_from,
        targets.valid_to
    from {{ ref('coverage_targets') }} as targets
    left join {{ ref('stg_catalog__feature_chains') }} as chains on targets.feature_id = chains.feature_id

),

-- A credit on a day counts as 0, as in eval_coverage_monthly.
days as (

    select
        cast(date_trunc('month', covered_on) as date) as month,
        feature_id,
        covered_on,
        sum(greatest(coalesce(production_usd, 0), 0)) as served_usd,
        sum(case when is_covered then 0 else greatest(coalesce(production_usd, 0), 0) end) as uncovered_usd,
        min(min(covered_on)) over (partition by feature_id) as first_on,
        max(max(covered_on)) over () as newest_on
    from {{ ref('eval_coverage_daily') }}
    group by cast(date_trunc('month', covered_on) as date), feature_id, covered_on

),

months as (

    select
        month,
        feature_id,
        first_on,
        least(newest_on, last_day(month)) as as_of_on,
        {{ days_between('greatest(month, first_on)', 'least(newest_on, last_day(month))') }} + 1 as days_passed,
        {{ days_between('greatest(month, first_on)', 'last_day(month)') }} + 1 as days_of_month,
        sum(served_usd) as served_usd,
        sum(uncovered_usd) as uncovered_usd
    from days
    group by month, feature_id, first_on, newest_on

),

-- The target of the newest id of a renamed feature goes before those of older ids.
targeted_months as (

    {% call first_rows(
        partition_by="months.month, months.feature_id",
        order_by="targets.steps, targets.valid_from desc"
    ) %}
        select
            months.*,
            targets.target_pct,
            -- A month that is not over is expected to go on as it went so far.
            {{ floored_part('months.served_usd', 'months.days_of_month', 'months.days_passed') }} as expected_usd
        from months
        inner join targets
            on months.feature_id = targets.feature_id and {{ in_force('targets', 'last_day(months.month)') }}
    {% endcall %}

),

budgets as (

    select
        *,
        {{ floored_part('expected_usd', '(1 - target_pct) * 1000000', '1000000') }} as error_budget_usd
    from targeted_months

),

burned_days as (

    select
        month,
        feature_id,
        covered_on,
        sum(uncovered_usd) over (partition by month, feature_id order by covered_on) as uncovered_usd
    from days

),

-- The newest days, also of the month before, say how fast the budget burns now.
recent_days as (

    select
        budgets.month,
        budgets.feature_id,
        sum(days.uncovered_usd) as uncovered_usd,
        least(
            {{ var('coverage_burn_days') }},
            {{ days_between('budgets.first_on', 'budgets.as_of_on') }} + 1
        ) as days
    from budgets
    inner join days
        on
            budgets.feature_id = days.feature_id
            and budgets.as_of_on >= days.covered_on
            and {{ days_between('days.covered_on', 'budgets.as_of_on') }} < {{ var('coverage_burn_days') }}
    group by budgets.month, budgets.feature_id, budgets.first_on, budgets.as_of_on

),

exhausted as (

    select
        budgets.month,
        budgets.feature_id,
        min(burned_days.covered_on) as exhausted_on
    from budgets
    inner join burned_days
        on
            budgets.month = burned_days.month
            and budgets.feature_id = burned_days.feature_id
            and budgets.error_budget_usd < burned_days.uncovered_usd
    group by budgets.month, budgets.feature_id

),

burned as (

    select
        budgets.*,
        exhausted.exhausted_on,
        case
            when exhausted.exhausted_on is null and recent_days.uncovered_usd > 0
                then floor(
                    cast(budgets.error_budget_usd - budgets.uncovered_usd as double) * recent_days.days
                    / cast(recent_days.uncovered_usd as double)
                ) + 1
        end as days_left
    from budgets
    left join exhausted on budgets.month = exhausted.month and budgets.feature_id = exhausted.feature_id
    left join recent_days on budgets.month = recent_days.month and budgets.feature_id = recent_days.feature_id

),

forecast as (

    select
        *,
        case
            when days_left <= days_of_month - days_passed
                then cast(as_of_on + cast(days_left as integer) * interval 1 day as date)
        end as expected_exhausted_on
    from burned

)

select
    month,
    feature_id,
    as_of_on,
    cast(target_pct as double) as target_pct,
    cast(served_usd - uncovered_usd as double) / nullif(cast(served_usd as double), 0) as covered_usd_pct,
    {{ money('served_usd') }} as served_usd,
    {{ money('expected_usd') }} as expected_usd,
    {{ money('error_budget_usd') }} as error_budget_usd,
    {{ money('uncovered_usd') }} as uncovered_usd,
    cast(uncovered_usd as double) / nullif(cast(error_budget_usd as double), 0) as burned_pct,
    cast(uncovered_usd as double) * days_of_month / nullif(cast(error_budget_usd as double) * days_passed, 0)
        as burn_rate,
    coalesce(exhausted_on, expected_exhausted_on) as exhausted_on,
    case
        when served_usd = 0 then 'no_cost'
        when exhausted_on is not null then 'exhausted'
        when expected_exhausted_on is not null then 'forecast_exhausted'
        else 'ok'
    end as status
from forecast
