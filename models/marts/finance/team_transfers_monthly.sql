with pairs as (

    select
        posted_month,
        team_id as debtor_team_id,
        counterparty_team_id as creditor_team_id,
        sum(amount_usd) as amount_usd
    from {{ ref('ledger_entries') }}
    where
        account = 'ai_cost'
        -- Each movement has two legs; the debit side names the debtor, also where a refund makes it negative.
        and side = 'debit'
        -- A team that takes a part of its own payment owes nobody.
        and counterparty_team_id is not null
    group by posted_month, team_id, counterparty_team_id
    -- A bill that replaces an accrual of the same amount leaves nothing to owe.
    having sum(amount_usd) != 0

)

select
    posted_month as month,
    debtor_team_id,
    creditor_team_id,
    {{ money('amount_usd') }} as amount_usd,
    {{ as_cents(cents_by_largest_remainder(
        'amount_usd', 'posted_month', 'debtor_team_id, creditor_team_id'
    )) }} as amount_booked_usd
from pairs
