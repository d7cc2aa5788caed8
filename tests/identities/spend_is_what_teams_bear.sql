-- Daily spend adds up to the ledger's cost, per day of use.
with spend as (

    select
        spent_on,
        sum(borne_usd) as borne_usd
    from {{ ref('spend_daily') }}
    group by spent_on

),

ledger as (

    select
        incurred_on,
        sum(amount_usd) as borne_usd
    from {{ ref('ledger_entries') }}
    where account = 'ai_cost' and {{ is_kept('coalesce(corrects_month, posted_month)') }}
    group by incurred_on

)

select
    spend.*,
    ledger.borne_usd as ledger_usd
from spend
full outer join ledger on spend.spent_on = ledger.incurred_on
where coalesce(spend.borne_usd, 0) != coalesce(ledger.borne_usd, 0)
