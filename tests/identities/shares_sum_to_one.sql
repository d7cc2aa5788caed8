-- Identity 4: a call's shares sum to exactly 1, and its shares' money to exactly its own, seen and
-- sampled.
with shares as (

    select
        call_id,
        sum(share) as share,
        sum(case when not is_sampled then borne_usd end) as borne_usd,
        sum(case when is_sampled then borne_usd else 0 end) as sampled_usd
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
    shares.borne_usd,
    calls.sampled_usd,
    shares.sampled_usd as borne_sampled_usd
from calls
full outer join shares on calls.call_id = shares.call_id
where
    coalesce(shares.share, 0) != 1
    or calls.call_id is null
    or calls.attributed_usd is distinct from shares.borne_usd
    or calls.sampled_usd != shares.sampled_usd
