-- At the end of a month the ERP's accrual account has the balance of the ledger's, per provider and month of use, to
-- the cent. Each accrual is reversed once and whole on the first day of the next month that has a journal.
with journal as (

    select
        month,
        provider,
        coalesce(corrects_month, month) as accrued_month,
        document_no,
        reverses_document_no,
        kind,
        booked_on,
        credit_usd - debit_usd as accrued_usd
    from {{ ref('erp_journal_monthly') }}
    where account = 'accrued_payable'

),

posted_months as (

    select distinct posted_month from {{ ref('ledger_entries') }}

),

months as (

    select
        posted_month,
        lead(posted_month) over (order by posted_month) as next_month
    from posted_months

),

changes as (

    select
        month as posted_month,
        provider,
        accrued_month,
        accrued_usd as journal_usd,
        0 as ledger_usd
    from journal

    union all

    select
        posted_month,
        provider,
        coalesce(corrects_month, posted_month) as accrued_month,
        0 as journal_usd,
        -amount_usd as ledger_usd
    from {{ ref('ledger_entries') }}
    where account = 'accrued_payable'

),

balances as (

    select
        months.posted_month,
        changes.provider,
        changes.accrued_month,
        sum(changes.journal_usd) as journal_usd,
        sum(changes.ledger_usd) as ledger_usd
    from months
    inner join changes on months.posted_month >= changes.posted_month
    group by months.posted_month, changes.provider, changes.accrued_month

),

accruals as (

    select
        journal.document_no,
        journal.accrued_usd,
        months.next_month
    from journal
    inner join months on journal.month = months.posted_month
    where journal.kind = 'accrual' and months.next_month is not null

),

reversals as (

    select * from journal
    where kind = 'reversal'

)

select
    'balance' as what,
    cast(posted_month as string) || ' ' || provider || ' ' || cast(accrued_month as string) as of_what,
    journal_usd,
    ledger_usd as expected_usd
from balances
where journal_usd != round(ledger_usd, 2)

union all

select
    'reversal' as what,
    coalesce(accruals.document_no, reversals.reverses_document_no) as of_what,
    reversals.accrued_usd as journal_usd,
    -accruals.accrued_usd as expected_usd
from accruals
full outer join reversals
    on accruals.document_no = reversals.reverses_document_no and accruals.next_month = reversals.booked_on
where accruals.accrued_usd is distinct from -reversals.accrued_usd
