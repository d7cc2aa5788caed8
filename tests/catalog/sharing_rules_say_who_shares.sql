-- A sharing rule says which pool it spreads and how; one that a model would pass over in silence is an error.
with rules as (

    select
        *,
        case
            when coalesce(pool, '') not in ('untraced', 'unlabelled', 'idle', 'invoice_only', 'shared')
                then 'pool is untraced, unlabelled, idle, invoice_only or shared'
            when coalesce(method, '') not in ('none', 'even', 'weighted') then 'method is none, even or weighted'
            when method = 'none' and team_id is not null then 'nobody shares by none: it names no team_id'
            when weight is not null and (method != 'weighted' or team_id is null)
                then 'a weight is that of a team_id, and its method is weighted'
        end as problem
    from {{ ref('sharing_rules') }}

)

select
    problem,
    pool,
    method,
    team_id,
    weight,
    valid_from,
    valid_to
from rules
where problem is not null
