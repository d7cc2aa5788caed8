-- Under each rule, a month's features earn what they earn as stated.
with stated as (

    select
        month,
        sum(revenue_usd) as revenue_usd,
        sum(margin_usd) as margin_usd
    from {{ ref('feature_pnl_monthly') }}
    group by month

),

by_rule as (

    select
        month,
        revenue_rule,
        sum(revenue_usd) as revenue_usd,
        sum(margin_usd) as margin_usd
    from {{ ref('revenue_sensitivity_monthly') }}
    group by month, revenue_rule

)

select
    by_rule.*,
    stated.revenue_usd as stated_revenue_usd,
    stated.margin_usd as stated_margin_usd
from stated
left join by_rule on stated.month = by_rule.month
where
    stated.revenue_usd != coalesce(by_rule.revenue_usd, 0)
    or stated.margin_usd != coalesce(by_rule.margin_usd, 0)
