-- On the newest day, whose month is forecast to end above the budget, or has. The figure compared is the forecast in
-- percent of the budget, of the worst of them, rounded up.
{% set alert = var('alert_budget_percent') %}
{{ config(
    meta={"figure": "percent of the budget, the highest forecast for the end of the month"},
    fail_calc="coalesce(max(forecast_percent), 0)",
    warn_if="> " ~ alert.warn, error_if="> " ~ alert.error
) }}
select
    burned_on,
    team_id,
    feature_id,
    status,
    month_to_date_usd,
    forecast_usd,
    budget_usd,
    cast(coalesce(least(ceil(100.0 * forecast_usd / nullif(budget_usd, 0)), 999999), 999999) as integer)
        as forecast_percent
from {{ ref('budget_burn_daily') }}
where
    burned_on = (select max(newest.burned_on) from {{ ref('budget_burn_daily') }} as newest)
    and forecast_usd * 100 > budget_usd * {{ [alert.warn, alert.error] | min }}
