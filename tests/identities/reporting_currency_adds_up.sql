-- Each month of the ledger has a rate of the reporting currency in seed fx_rates, on or before its last day; in that
-- currency a month's teams add up to its rounded total, and a team's lines, bases and statement to the team.
with stated as (

    select
        month,
        team_id,
        sum(amount_reporting) as stated_reporting
    from {{ ref('team_statements_monthly') }}
    group by month, team_id

),

charged as (

    select
        *,
        {{ in_reporting_currency('net_charge_booked_usd * 100', 'reporting_usd_per_unit') }} as exact_reporting
    from {{ ref('team_chargeback_monthly') }}

),

months as (

    select
        month,
        sum(net_charge_reporting) as net_charge_reporting,
        round(sum(exact_reporting), 2) as exact_reporting
    from charged
    group by month

)

select
    'fx_rates has no rate of ' || reporting_currency || ' up to ' || cast(last_day(month) as string) as problem,
    month,
    cast(null as string) as team_id
from charged
where reporting_usd_per_unit is null
group by month, reporting_currency

union all

select
    'the teams do not add up to the month' as problem,
    month,
    null as team_id
from months
where net_charge_reporting != exact_reporting

union all

select
    'lines, bases or statement do not add up to the team' as problem,
    charged.month,
    charged.team_id
from charged
left join stated on charged.month = stated.month and charged.team_id = stated.team_id
where
    charged.net_charge_reporting != coalesce(stated.stated_reporting, 0)
    or abs(charged.net_charge_reporting - charged.exact_reporting) >= 0.01
    or charged.net_charge_reporting != charged.production_reporting + charged.evaluation_reporting
    - charged.eval_pool_credit_reporting + charged.development_reporting + charged.shared_reporting
    + charged.unattributed_reporting
    or charged.net_charge_reporting != charged.billed_reporting + charged.accrued_reporting
