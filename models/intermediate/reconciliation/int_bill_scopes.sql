-- one row per file of a bill, account, kind of key or project and what the file lists of it: no other is billed in it
{{ config(materialized="kept", meta={"rebuilt_at_news_of": "bills"}) }}
{% set kinds = ['key_id', 'key_name', 'project_id', 'project_name'] %}
with lines as (

    select * from {{ ref('int_provider_lines_keyed') }}
    where file_role = 'bill'

),

-- Files of which a line stands.
files as (

    select distinct
        provider,
        file_kind,
        file_id,
        key_scope
    from {{ ref('int_provider_lines_ranked') }}
    where is_standing and file_role = 'bill'

),

-- A file of the whole account, or that lists no keys, leaves no key out.
covering as (

    select
        *,
        coalesce(stated_scope, '') = 'account' as is_whole
    from {{ ref('int_provider_files_covering') }}
    where file_role = 'bill' and covers_use

),

-- A noted request says more than its page lists.
asked as (

    select distinct
        covering.provider,
        covering.file_kind,
        covering.export_id,
        requests.filter_key,
        requests.filter_value
    from covering
    inner join {{ ref('int_bill_requests') }} as requests on covering.file_id = requests.file_id
    where covering.stated_scope = 'filter'

),

exports_asked as (

    select distinct
        provider,
        file_kind,
        export_id
    from asked

),

listed as (

    {% for key in kinds %}
        select distinct
            lines.provider,
            lines.file_kind,
            lines.export_id,
            '{{ key }}' as key_kind,
            lines.{{ key }} as api_key
        from lines
        left join exports_asked as asked
            on
                lines.provider = asked.provider
                and lines.file_kind = asked.file_kind
                and lines.export_id = asked.export_id
        where lines.{{ key }} != '' and asked.export_id is null

        union all

    {% endfor %}
    select
        provider,
        file_kind,
        export_id,
        filter_key as key_kind,
        filter_value as api_key
    from asked
    where filter_key in ('key_id', 'project_id')

)

select distinct
    covering.provider,
    covering.account_id,
    covering.file_id,
    cast(covering.covers_from as date) as covers_from,
    cast(covering.covers_to as date) as covers_to,
    listed.key_kind,
    listed.api_key
from covering
inner join files
    on
        covering.provider = files.provider
        and covering.file_kind = files.file_kind
        and covering.file_id = files.file_id
        and covering.key_scope = files.key_scope
left join listed
    on
        covering.provider = listed.provider
        and covering.file_kind = listed.file_kind
        and covering.export_id = listed.export_id
        and not covering.is_whole
