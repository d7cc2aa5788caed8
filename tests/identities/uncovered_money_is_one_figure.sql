-- The uncovered money of a feature's month is the same by day, by configuration and against its target.
with uncovered as (

    select
        'eval_coverage_daily' as mart,
        cast(date_trunc('month', covered_on) as date) as month,
        feature_id,
        {{ money('sum(case when is_covered then 0 else greatest(coalesce(production_usd, 0), 0) end)') }}
            as uncovered_usd
    from {{ ref('eval_coverage_daily') }}
    group by cast(date_trunc('month', covered_on) as date), feature_id

    union all

    select
        'eval_budget_monthly' as mart,
        month,
        feature_id,
        {{ money('sum(uncovered_usd)') }} as uncovered_usd
    from {{ ref('eval_budget_monthly') }}
    group by month, feature_id

    union all

    select
        'coverage_targets_monthly' as mart,
        month,
        feature_id,
        uncovered_usd
    from {{ ref('coverage_targets_monthly') }}

)

select
    month,
    feature_id,
    min(uncovered_usd) as least_usd,
    max(uncovered_usd) as most_usd,
    count(case when mart != 'coverage_targets_monthly' then 1 end) as marts_without_targets
from uncovered
group by month, feature_id
having min(uncovered_usd) != max(uncovered_usd) or count(case when mart != 'coverage_targets_monthly' then 1 end) != 2
