-- one row per line of a provider's file: whether it stands, or a newer file or a better kind speaks for its time
{{ config(materialized="kept", meta={"rebuilt_at_news_of": "bills"}) }}
with files as (

    select distinct
        provider,
        account_id,
        file_id,
        newness,
        place
    from {{ ref('int_provider_files_covering') }}

),

lines as (

    select
        unioned.*,
        files.newness,
        files.place
    from {{ ref('int_provider_lines_unioned') }} as unioned
    left join files
        on
            unioned.provider = files.provider
            and unioned.account_id = files.account_id
            and unioned.file_id = files.file_id

),

superseded as (

    select * from {{ ref('int_provider_lines_superseded') }}

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
            and lines.ranks_from <= covering.covers_to
            and lines.ranks_to >= covering.covers_from
            and lines.place > covering.place

),

{% set content = 'provider, account_id, kind_id, starts_at, ends_at, billed_amount' %}
purchases as (

    select
        *,
        row_number() over (partition by file_id, {{ content }} order by line_id) as occurrence_no
    from lines
    -- Most downloads have none.
    where 0 < (select count(*) - count(lonely.covers_from) from lines as lonely)

),

repeated as (

    -- Pages of one download repeat calls.
    select line_id
    from (
        select
            lines.line_id,
            row_number() over (
                partition by lines.provider, lines.file_kind, lines.response_id
                order by superseded.line_id is not null, lines.newness desc, lines.source_line
            ) as copy_no
        from lines
        left join superseded on lines.line_id = superseded.line_id
        where
            lines.response_id in (
                select again.response_id
                from lines as again
                where again.response_id is not null
                group by again.provider, again.file_kind, again.response_id
                having count(*) > 1
            )
    ) as copies
    where copy_no > 1

    union

    -- A file of purchases alone speaks for no time; its lines stand once, in however many downloads.
    select line_id
    from (
        select
            *,
            row_number() over (
                partition by {{ content }}, occurrence_no order by covers_from nulls last, file_id, line_id
            ) as copy_no
        from purchases
    ) as downloads
    where covers_from is null and copy_no > 1

)

select
    {{ all_but('lines', ['newness', 'place']) }},
    case
        when superseded.line_id is not null then 'newer_file'
        when outranked.line_id is not null then 'better_kind'
        when repeated.line_id is not null then 'repeated'
        when lines.file_role = 'gateway' then 'gateway'
    end as set_aside_by,
    coalesce(superseded.line_id, outranked.line_id, repeated.line_id) is null and lines.file_role != 'gateway'
        as is_standing
from lines
left join superseded on lines.line_id = superseded.line_id
left join outranked on lines.line_id = outranked.line_id
left join repeated on lines.line_id = repeated.line_id
