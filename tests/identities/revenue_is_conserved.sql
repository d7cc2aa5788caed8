-- Spreading revenue over features creates and loses none.
with stated as (

    select
        month,
        sum(revenue_usd) as revenue_usd
    from {{ ref('stg_product__revenue') }}
    group by month

),

spread as (

    select
        month,
        sum(revenue_usd) as revenue_usd
    from {{ ref('feature_pnl_monthly') }}
    group by month

)

select
    stated.*,
    spread.revenue_usd as spread_usd
from stated
left join spread on stated.month = spread.month
where stated.revenue_usd != coalesce(spread.revenue_usd, 0)
