-- Identity 3: what teams owe each other is what they are owed, and the monthly list says the same as the ledger.
with chargeback as (

    select
        month,
        sum(transfers_out_usd) as out_usd,
        sum(transfers_in_usd) as in_usd
    from {{ ref('team_chargeback_monthly') }}
    group by month

),

listed as (

    select
        month,
        sum(amount_usd) as listed_usd
    from {{ ref('team_transfers_monthly') }}
    group by month

)

select
    chargeback.*,
    listed.listed_usd
from chargeback
left join listed on chargeback.month = listed.month
where chargeback.out_usd != chargeback.in_usd or chargeback.out_usd != coalesce(listed.listed_usd, 0)
