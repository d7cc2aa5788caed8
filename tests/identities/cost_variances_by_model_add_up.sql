-- The causes of all accounts' and models' changes add up, by month, to the change of all teams' net charge.
with charges as (

    select
        month,
        sum(net_charge_usd) as net_charge_usd
    from {{ ref('team_chargeback_monthly') }}
    group by month

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
        net_charge_usd as change_usd
    from charges

    union all

    select
        cast(month + interval 1 month as date) as month,
        -net_charge_usd as change_usd
    from charges

    union all

    select
        month,
        -change_usd as change_usd
    from {{ ref('cost_variance_by_model_monthly') }}

)

select
    changes.month,
    sum(changes.change_usd) as unexplained_usd
from changes
cross join months
where changes.month > months.first_month and changes.month <= months.last_month
group by changes.month
having sum(changes.change_usd) != 0
