-- one row per line of a provider's file: whether it stands, or which newer file or better kind stands in its place
{{ config(materialized="kept", meta={"rebuilt_at_news_of": "bills"}) }}
{% set bucket = ['provider', 'account_id', 'file_kind', 'key_scope', 'file_id', 'ranks_from', 'ranks_to'] %}
with files as (

    select distinct
        provider,
        account_id,
        file_kind,
        file_id,
        newness,
        place,
        is_overwritten
    from {{ ref('int_provider_files_covering') }}

),

-- The newest file whose scope a line is in.
replaced as (

    select
        keyed.line_id,
        max_by(compared.newer_file_id, compared.newer_rank) as newer_file_id
    from {{ ref('int_provider_lines_keyed') }} as keyed
    inner join {{ ref('int_provider_lines_compared') }} as compared
        on
            {{ are_same('keyed', 'compared', bucket) }}
            and keyed.keys_id = compared.keys_id
            and compared.is_in_scope
    group by keyed.line_id

),

lines as (

    select
        unioned.*,
        files.newness,
        files.place,
        coalesce(files.is_overwritten, false) and coalesce(unioned.category, '') != 'bucket' as is_overwritten,
        replaced.newer_file_id
    from {{ ref('int_provider_lines_unioned') }} as unioned
    left join files
        on
            unioned.provider = files.provider
            and unioned.account_id = files.account_id
            and unioned.file_kind = files.file_kind
            and unioned.file_id = files.file_id
    left join replaced on unioned.line_id = replaced.line_id

),

-- One dollar is one dollar: what a better kind of bill covers, a worse one repeats.
outranked as (

    select distinct lines.line_id
    from lines
    inner join {{ ref('int_provider_files_covering') }} as covering
        on
            lines.provider = covering.provider
            and (
                lines.bill_account_id = covering.bill_account_id
                or lines.is_account_unknown or covering.is_account_unknown
            )
            and lines.file_role = 'bill' and covering.file_role = 'bill'
            and covering.covers_use
            and lines.ranks_from <= covering.covers_to
            and lines.ranks_to >= covering.covers_from
            and lines.place > covering.place

),

-- Pages of one download repeat calls.
repeated as (

    select line_id
    from (
        select
            line_id,
            row_number() over (
                partition by provider, file_kind, response_id
                order by is_overwritten or newer_file_id is not null, newness desc, source_line
            ) as copy_no
        from lines
        where
            response_id in (
                select again.response_id
                from lines as again
                where again.response_id is not null
                group by again.provider, again.file_kind, again.response_id
                having count(*) > 1
            )
    ) as copies
    where copy_no > 1

)

select
    {{ all_but('lines', ['newness', 'place', 'is_overwritten', 'newer_file_id']) }},
    case
        when lines.is_overwritten or lines.newer_file_id is not null then 'newer_file'
        when outranked.line_id is not null then 'better_kind'
        when repeated.line_id is not null then 'repeated'
        when lines.file_role = 'gateway' then 'gateway'
    end as set_aside_by,
    lines.newer_file_id,
    not lines.is_overwritten
    and coalesce(lines.newer_file_id, outranked.line_id, repeated.line_id) is null and lines.file_role != 'gateway'
        as is_standing
from lines
left join outranked on lines.line_id = outranked.line_id
left join repeated on lines.line_id = repeated.line_id
-- An invoice for what a bill lists is held against that bill (invoice_tie_out_monthly), and repeats nothing here.
where lines.line_id not in (select invoiced.line_id from {{ ref('int_invoices_billed') }} as invoiced)
