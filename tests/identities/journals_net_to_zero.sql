-- Identity 3: every journal nets to zero.
select
    journal_id,
    sum(amount_usd) as amount_usd
from {{ ref('ledger_entries') }}
group by journal_id
having sum(amount_usd) != 0
