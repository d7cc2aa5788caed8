{{ config(severity='warn') }}
-- A service, feature or key without an owner: its cost stays unattributed, or falls to the next owner to be found.
with owned as (

    select
        'services' as seed,
        service_name,
        cast(null as {{ dbt.type_string() }}) as feature_id,
        cast(null as {{ dbt.type_string() }}) as provider,
        cast(null as {{ dbt.type_string() }}) as account_id,
        cast(null as {{ dbt.type_string() }}) as api_key,
        owner_team_id
    from {{ ref('services') }}

    union all

    select
        'feature_catalog' as seed,
        null as service_name,
        feature_id,
        null as provider,
        null as account_id,
        null as api_key,
        owner_team_id
    from {{ ref('feature_catalog') }}

    union all

    -- A key that names a feature needs no owner.
    select
        'api_keys' as seed,
        null as service_name,
        feature_id,
        provider,
        account_id,
        api_key,
        owner_team_id
    from {{ ref('api_keys') }}
    where feature_id is null

)

select
    seed,
    'owner_team_id is empty; write a team of teams.csv, or take the line out' as problem,
    service_name,
    feature_id,
    provider,
    account_id,
    api_key,
    owner_team_id
from owned
where owner_team_id is null
