-- A team's cents are one figure in chargeback, statements and journal, and its parts add up to it.
with stated as (

    select
        month,
        team_id,
        sum(amount_usd) as stated_usd
    from {{ ref('team_statements_monthly') }}
    group by month, team_id

),

booked as (

    select
        month,
        team_id,
        sum(debit_usd - credit_usd) as booked_usd
    from {{ ref('erp_journal_monthly') }}
    where account = 'ai_cost'
    group by month, team_id

)

select
    charged.month,
    charged.team_id,
    charged.net_charge_usd,
    charged.net_charge_booked_usd,
    stated.stated_usd,
    booked.booked_usd
from {{ ref('team_chargeback_monthly') }} as charged
left join stated on charged.month = stated.month and charged.team_id = stated.team_id
left join booked on charged.month = booked.month and charged.team_id = booked.team_id
where
    charged.net_charge_booked_usd != coalesce(stated.stated_usd, 0)
    or charged.net_charge_booked_usd != coalesce(booked.booked_usd, 0)
    or abs(charged.net_charge_booked_usd - charged.net_charge_usd) >= 0.01
    or charged.net_charge_booked_usd != charged.production_booked_usd + charged.evaluation_booked_usd
    - charged.eval_pool_credit_booked_usd + charged.development_booked_usd + charged.shared_booked_usd
    + charged.unattributed_booked_usd
    or charged.net_charge_booked_usd != charged.billed_booked_usd + charged.accrued_booked_usd
    or charged.net_charge_booked_usd
    != charged.paid_booked_usd + charged.transfers_out_booked_usd - charged.transfers_in_booked_usd
