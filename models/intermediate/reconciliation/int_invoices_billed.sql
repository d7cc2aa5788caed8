-- one row per invoice's line whose time a bill covers too: the invoice is for that bill's charges, and no bill itself
{{ config(materialized="kept", meta={"rebuilt_at_news_of": "bills"}) }}
with keys as (

    {{ keys_of_accounts() | indent }}

),

-- Accounts payable may call an account otherwise than its bill does.
known as (

    select distinct
        provider,
        account_id,
        true as is_known
    from keys
    where account_id is not null

)

select distinct lines.line_id
from {{ ref('int_provider_lines_unioned') }} as lines
inner join {{ ref('int_provider_files_covering') }} as covering
    on
        lines.provider = covering.provider
        and lines.starts_at <= covering.covers_to
        and lines.ends_at >= covering.covers_from
        and covering.file_role = 'bill' and covering.file_kind != 'invoices'
left join known on lines.provider = known.provider and lines.account_id = known.account_id
where
    lines.file_kind = 'invoices'
    and (
        lines.account_id in (covering.account_id, covering.bill_account_id)
        or lines.is_account_unknown or covering.is_account_unknown
        or known.is_known is null
    )
