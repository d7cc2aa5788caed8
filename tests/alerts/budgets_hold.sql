-- On the newest day, whose month is forecast to end above the budget, or has. The figure compared is the forecast in
-- percent of the budget, of the worst of them, rounded up.
{% set alert = var('alert_budget_percent') %}
{{ config(
    meta={"figure": "percent of the budget, the highest forecast for the end of the month"},
    fail_calc="coalesce(max(forecast_percent), 0)",
    warn_if="> " ~ alert.warn, error_if="> " ~ alert.error
) }}
with newest as (

    select max(burned_on) as burned_on
    from {{ ref('budget_burn_daily') }}

),

burns as (

    select
        burned_on,
        team_id,
        feature_id,
        cast(null as {{ dbt.type_string() }}) as account_id,
        cast(null as {{ dbt.type_string() }}) as segment,
        status,
        month_to_date_usd,
        forecast_usd,
        budget_usd
    from {{ ref('budget_burn_daily') }}
    where burned_on = (select newest.burned_on from newest)

    union all

    select
        newest.burned_on,
        null as team_id,
        null as feature_id,
        case when ends.scope = 'account' then ends.scope_id end as account_id,
        case when ends.scope = 'segment' then ends.scope_id end as segment,
        ends.budget_status as status,
        ends.borne_usd as month_to_date_usd,
        ends.forecast_borne_usd as forecast_usd,
        ends.budget_usd
    from {{ ref('margin_forecasts_monthly') }} as ends
    inner join newest on ends.month = cast(date_trunc('month', newest.burned_on) as date)
    where ends.scope in ('account', 'segment')

)

select
    *,
    cast(coalesce(least(ceil(100.0 * forecast_usd / nullif(budget_usd, 0)), 999999), 999999) as integer)
        as forecast_percent
from burns
where forecast_usd * 100 > budget_usd * {{ [alert.warn, alert.error] | min }}
