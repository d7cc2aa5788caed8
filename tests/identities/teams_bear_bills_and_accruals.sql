-- Identity 2: net charge over all teams is the bills posted plus what accrued, per month.
with charged as (

    select
        month,
        sum(net_charge_usd) as net_charge_usd
    from {{ ref('team_chargeback_monthly') }}
    group by month

),

incurred as (

    select
        cast(date_trunc('month', charged_on) as date) as month,
        billed_usd as amount_usd
    from {{ ref('int_charges_standing') }}

    union all

    select
        cast(date_trunc('month', started_on) as date) as month,
        attributed_usd as amount_usd
    from {{ ref('attributed_calls') }}
    where basis = 'accrued'

    union all

    select
        cast(date_trunc('month', usage_on) as date) as month,
        untraced_usd as amount_usd
    from {{ ref('int_usage_accrued') }}

),

summed as (

    select
        month,
        sum(amount_usd) as amount_usd
    from incurred
    group by month

)

select
    summed.*,
    charged.net_charge_usd
from summed
full outer join charged on summed.month = charged.month
where coalesce(charged.net_charge_usd, 0) != coalesce(summed.amount_usd, 0)
