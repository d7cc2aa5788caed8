-- one row per line of a provider's file: whether it stands, or a newer file or a better kind speaks for its time
with lines as (

    select
        *,
        row_number() over (partition by file_id, kind_id, starts_at, ends_at, billed_amount order by line_id)
            as occurrence_no
    from {{ ref('int_provider_lines_unioned') }}

),

covering as (

    select * from {{ ref('int_provider_files_covering') }}

),

files as (

    select distinct
        provider,
        account_id,
        file_kind,
        file_id,
        newness,
        place
    from covering

),

-- Of one kind, the newest file that covers a time stands for it, also where it took a line back.
superseded as (

    select distinct lines.line_id
    from lines
    inner join files
        on lines.provider = files.provider and lines.account_id = files.account_id and lines.file_id = files.file_id
    inner join covering
        on
            lines.provider = covering.provider
            and lines.account_id = covering.account_id
            and lines.file_kind = covering.file_kind
            and lines.key_scope = covering.key_scope
            and lines.ranks_from <= covering.covers_to
            and lines.ranks_to >= covering.covers_from
            and files.newness < covering.newness

),

-- One dollar is one dollar: what a better kind of bill covers, a worse one repeats.
outranked as (

    select distinct lines.line_id
    from lines
    inner join files
        on lines.provider = files.provider and lines.account_id = files.account_id and lines.file_id = files.file_id
    inner join covering
        on
            lines.provider = covering.provider
            and (lines.account_id = covering.account_id or lines.is_account_unknown or covering.is_account_unknown)
            and lines.file_role = 'bill' and covering.file_role = 'bill'
            and lines.ranks_from <= covering.covers_to
            and lines.ranks_to >= covering.covers_from
            and files.place > covering.place

),

placed as (

    select
        lines.*,
        case
            when superseded.line_id is not null then 'newer_file'
            when outranked.line_id is not null then 'better_kind'
            -- Pages of one download repeat calls.
            when lines.response_id is not null and row_number() over (
                partition by lines.provider, lines.file_kind, lines.response_id
                order by superseded.line_id is not null, files.newness desc, lines.source_line
            ) > 1 then 'repeated'
            -- A file of purchases alone speaks for no time; its lines stand once, in however many downloads.
            when lines.covers_from is null and row_number() over (
                partition by
                    lines.provider, lines.account_id, lines.kind_id, lines.starts_at, lines.ends_at,
                    lines.billed_amount, lines.occurrence_no
                order by lines.covers_from nulls last, lines.file_id, lines.line_id
            ) > 1 then 'repeated'
            when lines.file_role = 'gateway' then 'gateway'
        end as set_aside_by
    from lines
    left join files
        on lines.provider = files.provider and lines.account_id = files.account_id and lines.file_id = files.file_id
    left join superseded on lines.line_id = superseded.line_id
    left join outranked on lines.line_id = outranked.line_id

)

select
    *,
    set_aside_by is null as is_standing
from placed
