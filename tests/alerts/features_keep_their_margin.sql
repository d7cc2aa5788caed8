-- Features that earned more than they cost in the month before the newest one with revenue, and cost more than they
-- earn in that. The figure compared is how many.
{{ config(
    meta={"figure": "features whose margin turned negative"},
    warn_if="> " ~ var('alert_negative_margins').warn, error_if="> " ~ var('alert_negative_margins').error
) }}
with newest as (

    -- Costs come daily and revenue by the month: a month without revenue yet would turn every margin.
    -- A year paid ahead is revenue of months to come as well: the month that a file states counts.
    select max(month) as month from {{ ref('stg_product__revenue') }}
    where
        is_standing and revenue_usd > 0
        and month in (
            select pnl.month from {{ ref('feature_pnl_monthly') }} as pnl
            where pnl.production_usd > 0
        )

)

select
    pnl.month,
    pnl.feature_id,
    earlier.margin_usd as margin_before_usd,
    pnl.margin_usd,
    pnl.revenue_usd - earlier.revenue_usd as revenue_change_usd,
    pnl.production_usd - earlier.production_usd as production_change_usd,
    'see feature_pnl_by_cohort_monthly for plans and segments' as what_to_do
from {{ ref('feature_pnl_monthly') }} as pnl
inner join newest on pnl.month = newest.month
inner join {{ ref('feature_pnl_monthly') }} as earlier
    on pnl.feature_id = earlier.feature_id and pnl.month = last_day(earlier.month) + interval 1 day
where
    pnl.margin_usd < 0
    and earlier.margin_usd >= 0
    and pnl.feature_id not in {{ reserved_names('feature') }}
