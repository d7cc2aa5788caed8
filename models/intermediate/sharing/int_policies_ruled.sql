-- one row per chargeback policy of the seed, period and bearer: a split has several, the largest first
with policies as (

    select
        {{ entry_key(['scope', 'scope_id', 'valid_from']) }} as policy_id,
        scope,
        scope_id,
        policy,
        valid_from,
        valid_to,
        bearer_team_id,
        case when policy = 'split' then {{ whole_number('weight * 1000000') }} else 1 end as weight
    from {{ ref('chargeback_policies') }}

)

select
    *,
    sum(weight) over (partition by policy_id) as total_weight,
    row_number() over (partition by policy_id order by weight desc, {{ in_order('bearer_team_id') }}) as bearer_no,
    count(*) over (partition by policy_id) as bearers
from policies
