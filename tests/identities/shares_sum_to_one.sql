-- Identity 4: a call's shares sum to exactly 1, and its shares' money to exactly its own.
with shares as (

    select
        call_id,
        sum(share) as share,
        sum(borne_usd) as borne_usd
    from {{ ref('int_cost_shares') }}
    where {{ is_touched('started_on', 'touched_day') }}
    group by call_id

),

calls as (

    select * from {{ ref('attributed_calls') }}
    where {{ is_touched('started_on', 'touched_day') }}

)

select
    calls.call_id,
    calls.attributed_usd,
    shares.share,
    shares.borne_usd
from calls
full outer join shares on calls.call_id = shares.call_id
where
    coalesce(shares.share, 0) != 1
    or calls.call_id is null
    or calls.attributed_usd is distinct from shares.borne_usd
