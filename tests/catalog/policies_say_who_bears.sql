-- A policy row says for whom it holds and what it does; one that a model would pass over in silence is an error.
with policies as (

    select
        *,
        case
            when coalesce(scope, '') not in ('default', 'team', 'service', 'feature')
                then 'scope is default, team, service or feature'
            when coalesce(policy, '') not in ('origin_pays', 'caller_pays', 'owner_pays', 'split')
                then 'policy is origin_pays, caller_pays, owner_pays or split'
            when scope = 'default' and scope_id is not null then 'the default has no scope_id'
            when scope != 'default' and scope_id is null then 'scope_id is missing'
            when policy = 'split' and bearer_team_id is null then 'a split names a bearer_team_id in each row'
            when policy = 'split' and weight is null then 'a split has a weight in each row'
            when policy != 'split' and bearer_team_id is not null then 'only a split names a bearer_team_id'
        end as problem
    from {{ ref('chargeback_policies') }}

)

select
    problem,
    scope,
    scope_id,
    policy,
    bearer_team_id,
    weight,
    valid_from,
    valid_to
from policies
where problem is not null
