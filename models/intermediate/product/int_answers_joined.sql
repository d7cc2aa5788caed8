-- one row per month, feature, plan and segment: the answers of events that found calls, of whichever month these are
with cohorts as (

    select * from {{ ref('int_customer_plans') }}

),

-- Calls that land late may be of the month before their event, and building on reads only their own month anew.
joined as (

    select * from {{ ref('int_usage_event_traces') }}
    where place = 1 and method != 'none'

)

select
    joined.month,
    joined.feature_id,
    coalesce(users.plan, accounts.plan, 'unknown') as plan,
    coalesce(users.segment, accounts.segment, 'unknown') as segment,
    cast(sum(joined.answers) as bigint) as answers
from joined
{{ cohorts_of('joined') }}
group by
    joined.month,
    joined.feature_id,
    coalesce(users.plan, accounts.plan, 'unknown'),
    coalesce(users.segment, accounts.segment, 'unknown')
