-- What a sharing rule spreads it spreads whole: a journal's parts are its amount, and P&L shows as much given as taken.
with parts as (

    select
        cost_id,
        sum(amount_usd) as shared_usd
    from {{ ref('int_shared_costs') }}
    group by cost_id

)

select
    costs.cost_id as what,
    costs.amount_usd,
    parts.shared_usd
from parts
inner join {{ ref('int_daily_costs') }} as costs on parts.cost_id = costs.cost_id
where costs.amount_usd != parts.shared_usd

union all

select
    cast(month as {{ dbt.type_string() }}) as what,
    0 as amount_usd,
    sum(shared_usd) as shared_usd
from {{ ref('feature_pnl_monthly') }}
group by month
having sum(shared_usd) != 0
