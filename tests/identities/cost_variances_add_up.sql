-- The causes of a team's change add up to the change of its net charge.
with charges as (

    select
        month,
        team_id,
        net_charge_usd
    from {{ ref('team_chargeback_monthly') }}

),

months as (

    select
        min(month) as first_month,
        max(month) as last_month
    from charges

),

changes as (

    select
        month,
        team_id,
        net_charge_usd as change_usd
    from charges

    union all

    select
        cast(month + interval 1 month as date) as month,
        team_id,
        -net_charge_usd as change_usd
    from charges

    union all

    select
        month,
        team_id,
        -change_usd as change_usd
    from {{ ref('cost_variance_monthly') }}

)

select
    changes.month,
    changes.team_id,
    sum(changes.change_usd) as unexplained_usd
from changes
cross join months
where changes.month > months.first_month and changes.month <= months.last_month
group by changes.month, changes.team_id
having sum(changes.change_usd) != 0
