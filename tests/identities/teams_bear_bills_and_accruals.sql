-- Identity 2, per posted month. In an open month, net charge over all teams is the bills of its days plus what accrued;
-- the first one also takes what closed months say otherwise today, and what bills of retired months say otherwise than
-- when these were retired. In a closed month it is what was closed: bills
-- posted and the change in accrued, as the accounts opposite to the teams' have them.
with charged as (

    select
        month,
        sum(net_charge_usd) as net_charge_usd
    from {{ ref('team_chargeback_monthly') }}
    group by month

),

closed as (

    select
        posted_month,
        -sum(amount_usd) as amount_usd,
        -sum(case when is_retired then 0 else amount_usd end) as compared_usd
    from {{ ref('stg_closed__entries') }}
    where account != 'ai_cost'
    group by posted_month

),

first_open as (

    select cast(max(posted_month) + interval 1 month as date) as month
    from closed

),

incurred as (

    select
        cast(date_trunc('month', charged_on) as date) as month,
        billed_usd as amount_usd
    from {{ ref('int_itemised_charges') }}

    union all

    select
        cast(date_trunc('month', started_on) as date) as month,
        borne_usd as amount_usd
    from {{ ref('int_call_shares') }}
    where part_basis = 'accrued'

    union all

    select
        cast(date_trunc('month', usage_on) as date) as month,
        untraced_usd as amount_usd
    from {{ ref('int_accrued_usage') }}
    where is_unbilled

    union all

    select
        posted_month as month,
        amount_usd
    from {{ ref('int_retired_costs') }}

),

posted as (

    select
        greatest(incurred.month, coalesce(first_open.month, incurred.month)) as month,
        incurred.amount_usd
    from incurred
    cross join first_open

    union all

    select
        first_open.month,
        -closed.compared_usd as amount_usd
    from closed
    cross join first_open

    union all

    select
        posted_month as month,
        amount_usd
    from closed

),

summed as (

    select
        month,
        sum(amount_usd) as amount_usd
    from posted
    group by month

)

select
    summed.*,
    charged.net_charge_usd
from summed
full outer join charged on summed.month = charged.month
where coalesce(charged.net_charge_usd, 0) != coalesce(summed.amount_usd, 0)
