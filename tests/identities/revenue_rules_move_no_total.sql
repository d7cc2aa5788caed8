-- Under each rule, a month's features earn what they earn as stated.
with stated as (

    select
        pnl.month,
        rules.revenue_rule,
        sum(pnl.revenue_usd) as revenue_usd,
        sum(pnl.margin_usd) as margin_usd
    from {{ ref('feature_pnl_monthly') }} as pnl
    cross join (values ('stated'), ('usage'), ('even'), ('cost')) as rules (revenue_rule)
    group by pnl.month, rules.revenue_rule

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
    stated.*,
    by_rule.revenue_usd as rule_revenue_usd,
    by_rule.margin_usd as rule_margin_usd
from stated
left join by_rule on stated.month = by_rule.month and stated.revenue_rule = by_rule.revenue_rule
where
    stated.revenue_usd != coalesce(by_rule.revenue_usd, 0)
    or stated.margin_usd != coalesce(by_rule.margin_usd, 0)
