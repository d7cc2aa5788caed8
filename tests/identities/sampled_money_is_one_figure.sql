-- Sampled money is one figure by day, by feature, by team and in all.
with spent as (

    select
        cast(date_trunc('month', spent_on) as date) as month,
        sum(sampled_usd) as sampled_usd
    from {{ ref('spend_daily') }}
    group by cast(date_trunc('month', spent_on) as date)

),

estimated as (

    select
        month,
        scope,
        sum(sampled_usd) as sampled_usd
    from {{ ref('sampling_errors_monthly') }}
    group by month, scope

),

scopes as (

    select
        spent.month,
        scopes.scope,
        spent.sampled_usd
    from spent
    cross join (values ('feature'), ('team'), ('all')) as scopes (scope)

)

select
    scopes.*,
    estimated.sampled_usd as estimated_usd
from scopes
full outer join estimated on scopes.month = estimated.month and scopes.scope = estimated.scope
where coalesce(scopes.sampled_usd, 0) != coalesce(estimated.sampled_usd, 0)
