{{ config(materialized="kept", meta={"rebuilt_at_news_of": "bills"}) }}
with account_keys as (

    {{ keys_of_accounts() | indent }}

),

accounts as (

    select
        provider,
        account_id
    from account_keys
    where account_id is not null

    union

    select
        lines.provider,
        lines.account_id
    from {{ ref('int_bill_lines') }} as lines
    inner join {{ ref('int_bill_line_status') }} as status on lines.line_id = status.line_id
    where lines.file_role = 'bill'

)

select
    provider,
    account_id,
    count(*) over (partition by provider) = 1 as is_only
from accounts
