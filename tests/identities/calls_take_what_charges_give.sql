-- Identity 1, from the other side: calls were billed exactly what charges gave to calls, per provider and account.
with given as (

    select
        provider,
        account_id,
        sum(attributed_usd) as given_usd
    from {{ ref('int_charges_settled') }}
    group by provider, account_id

),

taken as (

    select
        provider,
        account_id,
        sum(billed_usd) as taken_usd
    from {{ ref('attributed_calls') }}
    where basis = 'billed'
    group by provider, account_id

)

select
    given.*,
    taken.taken_usd
from given
full outer join taken
    on given.provider = taken.provider and given.account_id is not distinct from taken.account_id
where coalesce(given.given_usd, 0) != coalesce(taken.taken_usd, 0)
