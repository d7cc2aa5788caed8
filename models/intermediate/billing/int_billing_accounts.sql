{{ config(materialized="kept", meta={"rebuilt_at_news_of": "bills"}) }}
with account_keys as (

    {{ keys_of_accounts() | indent }}

),

named_accounts as (

    select
        provider,
        account_id,
        cast(null as boolean) as is_pacific
    from account_keys
    where account_id is not null

    union all

    select
        lines.provider,
        lines.account_id,
        lines.is_pacific
    from {{ ref('int_bill_lines') }} as lines
    inner join {{ ref('int_bill_line_status') }} as status on lines.line_id = status.line_id
    where lines.file_role = 'bill'

),

accounts as (

    select
        provider,
        account_id,
        bool_or(is_pacific) as is_pacific
    from named_accounts
    group by provider, account_id

)

select
    provider,
    account_id,
    count(*) over (partition by provider) = 1 as is_only,
    -- All bills of a provider have the same day.
    coalesce(bool_or(is_pacific) over (partition by provider), {{ is_pacific_biller('provider') }}) as is_pacific
from accounts
