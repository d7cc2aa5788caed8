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

    select
        scopes.*,
        parts.scope as part
    from scopes
    cross join (values ('feature'), ('account'), ('segment')) as parts (scope)
    where scopes.scope = 'company'

)

select
    coalesce(scopes.month, company.month) as month,
    coalesce(scopes.scope, company.part) as scope,
    scopes.forecast_borne_usd,
    company.forecast_borne_usd as company_usd
from company
full outer join scopes on company.month = scopes.month and company.part = scopes.scope
where
    -- The company's own row is of no part.
    (company.month is null and scopes.scope != 'company')
    or scopes.changed_rows > 0
    or scopes.forecast_margin_usd != scopes.forecast_revenue_usd - scopes.forecast_borne_usd
    or (company.month is not null and (
        coalesce(scopes.revenue_usd, 0) != company.revenue_usd
        or coalesce(scopes.borne_usd, 0) != company.borne_usd
        or coalesce(scopes.forecast_revenue_usd, 0) != company.forecast_revenue_usd
        or coalesce(scopes.forecast_borne_usd, 0) != company.forecast_borne_usd
        or coalesce(scopes.forecast_margin_usd, 0) != company.forecast_margin_usd
    ))
