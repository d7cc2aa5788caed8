-- Identity 1, from the other side: calls were billed exactly what charges gave to calls, per provider
-- (of a call's account the spans may know nothing).
with given as (

    select
        provider,
        sum(attributed_usd + sampled_usd) as given_usd
    from {{ ref('int_charge_settlements') }}
    group by provider

),

taken as (

    select
        payable_provider as provider,
        sum(borne_usd) as taken_usd
    from {{ ref('int_call_shares') }}
    where part_basis = 'billed'
    group by payable_provider

)

select
    given.*,
    taken.taken_usd
from given
full outer join taken
    on given.provider = taken.provider
where coalesce(given.given_usd, 0) != coalesce(taken.taken_usd, 0)
