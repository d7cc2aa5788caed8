-- one row per provider and account that its bills or seed api_keys name
{{ config(materialized="kept", meta={"rebuilt_at_news_of": "bills"}) }}
with keys as (

    {{ keys_of_accounts() | indent }}

),

accounts as (

    select
        provider,
        account_id
    from keys
    where account_id is not null

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
