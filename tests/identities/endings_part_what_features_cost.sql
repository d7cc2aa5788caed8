-- A feature's avoidable, joint and shared cost add up to its cost, evals gross.
with pnl as (

    select
        month,
        feature_id,
        production_usd + evaluation_usd + development_usd + unattributed_usd + shared_usd as cost_usd
    from {{ ref('feature_pnl_monthly') }}
    where feature_id not in {{ reserved_names('feature') }}

)

select
    pnl.month,
    pnl.feature_id,
    pnl.cost_usd,
    endings.avoidable_usd,
    endings.joint_usd,
    endings.shared_usd
from pnl
left join {{ ref('feature_endings_monthly') }} as endings
    on pnl.month = endings.month and pnl.feature_id = endings.feature_id
where pnl.cost_usd != coalesce(endings.avoidable_usd + endings.joint_usd + endings.shared_usd, 0)
