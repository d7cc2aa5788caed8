{{ config(materialized="kept", meta={"rebuilt_at_news_of": "bills"}) }}
with current_files as (

    select distinct
        lines.provider,
        lines.file_kind,
        lines.file_id,
        lines.key_scope
    from {{ ref('int_bill_lines') }} as lines
    inner join {{ ref('int_bill_line_status') }} as status on lines.line_id = status.line_id
    where status.is_standing and lines.file_role = 'bill'

),

files as (

    select * from {{ ref('int_bill_files') }}
    where file_role = 'bill' and covers_use

),

-- Models and regions are no keys that a call states.
listed_keys as (

    select * from {{ ref('int_bill_export_keys') }}
    where
        is_billed
        and (
            (is_filter and key in ('key_id', 'project_id'))
            or (not is_filter and key in ('key_id', 'key_name', 'project_id', 'project_name') and value != '')
        )

)

select distinct
    files.provider,
    files.account_id,
    files.file_id,
    cast(files.covers_from as date) as covers_from,
    cast(files.covers_to as date) as covers_to,
    listed_keys.key as key_kind,
    listed_keys.value as api_key
from files
inner join current_files on {{ are_same('files', 'current_files', ['provider', 'file_kind', 'file_id', 'key_scope']) }}
-- A file of the whole account, or one that lists no keys, excludes none.
left join listed_keys
    on
        {{ are_same('files', 'listed_keys', ['provider', 'file_kind', 'export_id']) }}
        and coalesce(files.stated_scope, '') != 'account'
