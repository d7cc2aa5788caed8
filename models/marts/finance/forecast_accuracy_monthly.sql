with burned as (

    select
        burned_on,
        'team' as scope,
        team_id as scope_id,
        month_to_date_usd,
        forecast_usd
    from {{ ref('budget_burn_daily') }}
    where team_id is not null

    union all

    select
        burned_on,
        'feature' as scope,
        feature_id as scope_id,
        month_to_date_usd,
        forecast_usd
    from {{ ref('budget_burn_daily') }}
    where feature_id is not null

    union all

    select
        burned_on,
        'company' as scope,
        'all' as scope_id,
        sum(month_to_date_usd) as month_to_date_usd,
        sum(forecast_usd) as forecast_usd
    from {{ ref('budget_burn_daily') }}
    where feature_id is not null
    group by burned_on

),

-- Before its first cost nothing could be expected of a team, a feature or the company.
begun as (

    select
        scope,
        scope_id,
        min(burned_on) as day
    from burned
    where month_to_date_usd != 0
    group by scope, scope_id

),

forecasts as (

    select
        burned.*,
        cast(date_trunc('month', burned.burned_on) as date) as month,
        cast(extract(day from burned.burned_on) as integer) as day_of_month
    from burned
    inner join begun
        on burned.scope = begun.scope and burned.scope_id = begun.scope_id and burned.burned_on >= begun.day

),

actuals as (

    select
        scope,
        scope_id,
        cast(date_trunc('month', burned_on) as date) as month,
        month_to_date_usd
    from burned
    where burned_on = last_day(burned_on)

)

select
    forecasts.month,
    forecasts.scope,
    forecasts.scope_id,
    forecasts.day_of_month,
    {{ money('forecasts.forecast_usd') }} as forecast_usd,
    {{ money('actuals.month_to_date_usd') }} as actual_usd,
    cast(forecasts.forecast_usd - actuals.month_to_date_usd as double)
    / nullif(cast(greatest(actuals.month_to_date_usd, 0) as double), 0) as error_pct
from forecasts
inner join actuals
    on
        forecasts.scope = actuals.scope
        and forecasts.scope_id = actuals.scope_id
        and forecasts.month = actuals.month
where forecasts.day_of_month in (7, 14, 21)
