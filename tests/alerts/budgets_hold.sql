-- On the newest day, who has spent, or by the forecast will spend, more than the budget. The figure compared is the
-- percentage of the budget that the forecast is, of the worst of them, rounded up.
{{ config(
    fail_calc="coalesce(max(forecast_percent), 0)",
    warn_if="> " ~ var('alert_budget_percent').warn, error_if="> " ~ var('alert_budget_percent').error
) }}
select
    burned_on,
    team_id,
    feature_id,
    status,
    month_to_date_usd,
    forecast_usd,
    budget_usd,
    cast(coalesce(least(ceil(100.0 * forecast_usd / nullif(budget_usd, 0)), 999999), 999999) as integer) as forecast_percent
from {{ ref('budget_burn_daily') }}
where
    burned_on = (select max(newest.burned_on) from {{ ref('budget_burn_daily') }} as newest)
    and budget_usd is not null and forecast_usd > 0
