-- An adjustment of a month that the ledger does not have would make one of its own.
with months as (

    select
        min(posted_month) as first_month,
        max(posted_month) as last_month
    from {{ ref('ledger_entries') }}
    where kind != 'adjustment'

)

select
    'the ledger has no such month' || coalesce(
        ': it goes from ' || cast(months.first_month as string) || ' to ' || cast(months.last_month as string), ''
    ) || '. Write one of them, or add the row when the month has begun' as problem,
    adjustments.month,
    adjustments.from_team,
    adjustments.to_team,
    adjustments.amount_usd
from {{ ref('adjustments') }} as adjustments
cross join months
where not coalesce(adjustments.month between months.first_month and months.last_month, false)
