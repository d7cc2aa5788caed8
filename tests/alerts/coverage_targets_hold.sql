-- Features that ran more production money uncovered than their target leaves, or will by the end of the newest month.
-- The figure compared is how many rows.
{{ config(
    meta={"figure": "features whose error budget of coverage is exhausted, or will be by the end of the month"},
    warn_if="> " ~ var('alert_coverage_targets').warn, error_if="> " ~ var('alert_coverage_targets').error
) }}
select
    month,
    feature_id,
    target_pct,
    covered_usd_pct,
    error_budget_usd,
    uncovered_usd,
    burn_rate,
    exhausted_on,
    status,
    'eval_coverage_daily says which configurations are not covered, and why' as what_to_do
from {{ ref('coverage_targets_monthly') }}
where
    status in ('exhausted', 'forecast_exhausted')
    and month = (select date_trunc('month', max(newest.covered_on)) from {{ ref('eval_coverage_daily') }} as newest)
