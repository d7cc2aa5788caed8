-- Features whose bill grew while their coverage fell, from one month to the next or over three months. While the newest
-- month is not over, the one before it is looked at too. The figure compared is how many rows.
{{ config(
    meta={"figure": "features and months whose bill grew while their coverage fell"},
    warn_if="> " ~ var('alert_bill_up_coverage_down').warn, error_if="> " ~ var('alert_bill_up_coverage_down').error
) }}
with newest as (

    select
        max(covered_on) as covered_on,
        cast(date_trunc('month', max(covered_on)) as date) as month
    from {{ ref('eval_coverage_daily') }}

)

select
    coverage.month,
    coverage.feature_id,
    coverage.production_usd,
    coverage.production_usd_change,
    coverage.covered_usd_pct,
    coverage.covered_usd_pct_change,
    case when coverage.is_bill_up_coverage_down then 'one month' else 'three months' end as within,
    'eval_coverage_daily says which configurations are not covered, and why' as what_to_do
from {{ ref('eval_coverage_monthly') }} as coverage
cross join newest
where
    (coverage.is_bill_up_coverage_down or coverage.is_bill_up_coverage_down_trend)
    and (
        coverage.month = newest.month
        or (coverage.month = newest.month - interval 1 month and newest.covered_on < last_day(newest.month))
    )
