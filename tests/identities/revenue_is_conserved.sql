-- Spreading revenue over months and features creates and loses none: neither of a line, nor of a month.
with lines as (

    select
        line_id,
        revenue_usd
    from {{ ref('stg_product__revenue') }}
    where
        is_standing
        and (period_start is null or period_start < period_end)
        and {{ is_kept('coalesce(period_start, month)') }}

),

spread_lines as (

    select
        line_id,
        sum(revenue_usd) as revenue_usd
    from {{ ref('int_feature_revenue') }}
    group by line_id

),

months as (

    select
        month,
        sum(revenue_usd) as revenue_usd
    from {{ ref('int_feature_revenue') }}
    group by month

),

margins as (

    select
        month,
        sum(revenue_usd) as revenue_usd
    from {{ ref('feature_pnl_monthly') }}
    group by month

)

select
    lines.line_id,
    cast(null as date) as month,
    lines.revenue_usd,
    spread_lines.revenue_usd as spread_usd
from lines
left join spread_lines on lines.line_id = spread_lines.line_id
where lines.revenue_usd != coalesce(spread_lines.revenue_usd, 0)

union all

select
    cast(null as {{ dbt.type_string() }}) as line_id,
    months.month,
    months.revenue_usd,
    margins.revenue_usd as spread_usd
from months
left join margins on months.month = margins.month
where months.revenue_usd != coalesce(margins.revenue_usd, 0)
