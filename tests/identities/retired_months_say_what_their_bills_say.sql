-- A retired month's bills came, when it was retired, to what was closed of them, and what is booked of it since is what
-- they say otherwise today.
with retired_bills as (

    select
        cast(date_trunc('month', charged_on) as date) as month,
        sum(billed_usd) as retired_usd
    from {{ source('landed', 'retired_bills') }}
    group by date_trunc('month', charged_on)

),

closed_bills as (

    select
        first_posted_month as month,
        sum(amount_usd) as closed_usd
    from {{ ref('stg_closed__entries') }}
    where is_retired and kind = 'bill' and side = 'debit'
    group by first_posted_month

),

bills_today as (

    select
        cast(date_trunc('month', charged_on) as date) as month,
        sum(billed_usd) as today_usd
    from {{ ref('int_charges_retired') }}
    group by date_trunc('month', charged_on)

),

postings as (

    select
        posted_month as month,
        sum(case when basis = 'billed' then amount_usd else 0 end) as billed_usd,
        sum(case when basis = 'accrued' then amount_usd else 0 end) as accrued_usd
    from {{ ref('int_retired_costs') }}
    group by posted_month

),

months as (

    select month from retired_bills
    union
    select month from closed_bills
    union
    select month from bills_today
    union
    select month from postings

)

select
    months.month,
    retired_bills.retired_usd,
    closed_bills.closed_usd,
    bills_today.today_usd,
    postings.billed_usd,
    postings.accrued_usd
from months
left join retired_bills on months.month = retired_bills.month
left join closed_bills on months.month = closed_bills.month
left join bills_today on months.month = bills_today.month
left join postings on months.month = postings.month
where
    coalesce(retired_bills.retired_usd, 0) != coalesce(closed_bills.closed_usd, 0)
    or coalesce(postings.billed_usd, 0) != coalesce(bills_today.today_usd, 0) - coalesce(retired_bills.retired_usd, 0)
    or coalesce(postings.accrued_usd, 0) > 0
