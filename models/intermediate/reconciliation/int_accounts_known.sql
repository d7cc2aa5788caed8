-- one row per provider and account that its bills or seed api_keys name
{{ config(materialized="kept", meta={"rebuilt_at_news_of": "bills"}) }}
with accounts as (

    select
        keys.provider,
        coalesce(aliases.account_id, keys.account_id) as account_id
    from {{ ref('api_keys') }} as keys
    left join {{ ref('account_aliases') }} as aliases
        on keys.provider = aliases.provider and keys.account_id = aliases.alias
    where keys.account_id is not null

    union

    select
        provider,
        account_id
    from {{ ref('int_provider_lines_ranked') }}
    where file_role = 'bill'

)

select
    provider,
    account_id,
    count(*) over (partition by provider) = 1 as is_only
from accounts
