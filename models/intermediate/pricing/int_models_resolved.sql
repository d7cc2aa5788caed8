-- one row per provider and model name as written: the model that prices and bills know it by
with names as (

    select
        provider,
        model_key as model_name
    from {{ ref('int_calls_provided') }}

    union

    select
        provider,
        model_name
    from {{ ref('int_charges_unioned') }}

),

aliases as (

    select * from {{ ref('model_aliases') }}

)

select
    names.provider,
    names.model_name,
    -- A name that no alias knows stays as it is: it groups, but nothing prices it.
    coalesce(aliases.model, names.model_name) as model
from names
left join aliases
    on names.provider = aliases.provider and names.model_name like aliases.pattern escape '\'
where names.model_name is not null
-- An exact name before a pattern, then the longest pattern.
qualify row_number() over (
    partition by names.provider, names.model_name
    order by (names.model_name = aliases.pattern) desc nulls last, length(aliases.pattern) desc, aliases.model
) = 1
