-- Per month, what features, accounts and segments are forecast to bear and earn is what the company is, to the last
-- digit, and margin is revenue less cost. A month that is no forecast is as it stands.
with scopes as (

    select
        month,
        scope,
        sum(revenue_usd) as revenue_usd,
        sum(borne_usd) as borne_usd,
        sum(forecast_revenue_usd) as forecast_revenue_usd,
        sum(forecast_borne_usd) as forecast_borne_usd,
        sum(forecast_margin_usd) as forecast_margin_usd,
        count(case when not is_forecast and forecast_borne_usd != borne_usd then 1 end) as changed_rows
    from {{ ref('margin_forecasts_monthly') }}
    group by month, scope

),

company as (

    select * from scopes
    where scope = 'company'

)

select
    scopes.*,
    company.forecast_borne_usd as company_usd
from scopes
left join company on scopes.month = company.month
where
    scopes.changed_rows > 0
    or scopes.forecast_margin_usd != scopes.forecast_revenue_usd - scopes.forecast_borne_usd
    or scopes.revenue_usd != coalesce(company.revenue_usd, 0)
    or scopes.borne_usd != coalesce(company.borne_usd, 0)
    or scopes.forecast_revenue_usd != coalesce(company.forecast_revenue_usd, 0)
    or scopes.forecast_borne_usd != coalesce(company.forecast_borne_usd, 0)
    or scopes.forecast_margin_usd != coalesce(company.forecast_margin_usd, 0)
