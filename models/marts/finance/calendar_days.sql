with known as (

    select spent_on as day
    from {{ ref('spend_daily') }}
    -- Calls without a time stand under 1970.
    where spent_on > date '1970-01-01'
    union all
    select month as day
    from {{ ref('team_chargeback_monthly') }}

),

bounds as (

    select
        cast(date_trunc('month', min(day)) as date) as first_on,
        cast(date_trunc('month', max(day)) + interval 1 month - interval 1 day as date) as last_on
    from known

)

select {{ each_day('first_on', 'last_on') }} as calendar_on
from bounds
