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
    from {{ ref('int_bill_files') }}

),

-- Replace a line by the newest file whose scope contains it.
replacements as (

    select
        keyed.line_id,
        max_by(overlap.newer_file_id, overlap.newer_rank) as newer_file_id
    from {{ ref('int_bill_line_keys') }} as keyed
    inner join {{ ref('int_bill_file_overlaps') }} as overlap
        on
            {{ are_same('keyed', 'overlap', bucket) }}
            and keyed.keys_id = overlap.keys_id
            and overlap.is_in_scope
    group by keyed.line_id

),

account_keys as (

    {{ keys_of_accounts() | indent }}

),

accounts_with_keys as (

    select distinct
        provider,
        account_id,
        true as has_keys
    from account_keys
    where account_id is not null

),

-- An invoice for a period that a bill covers is compared with that bill (invoice_tie_out_monthly) and is no charge of
-- its own. Accounts payable may write the account otherwise than the bill does.
invoices_with_bill as (

    select distinct lines.line_id
    from {{ ref('int_bill_lines') }} as lines
    inner join {{ ref('int_bill_files') }} as bills
        on
            lines.provider = bills.provider
            and lines.starts_at <= bills.covers_to
            and lines.ends_at >= bills.covers_from
            and bills.file_role = 'bill' and bills.file_kind != 'invoices'
    left join accounts_with_keys
        on lines.provider = accounts_with_keys.provider and lines.account_id = accounts_with_keys.account_id
    where
        lines.file_kind = 'invoices'
        and (
            lines.account_id in (bills.account_id, bills.bill_account_id)
            or lines.is_account_unknown or bills.is_account_unknown
            or accounts_with_keys.has_keys is null
        )

),

lines as (

    select
        lines.line_id,
        lines.provider,
        lines.bill_account_id,
        lines.is_account_unknown,
        lines.file_kind,
        lines.file_role,
        lines.ranks_from,
        lines.ranks_to,
        lines.response_id,
        lines.source_line,
        files.newness,
        files.place,
        coalesce(files.is_overwritten, false) and coalesce(lines.category, '') != 'bucket' as is_overwritten,
        replacements.newer_file_id
    from {{ ref('int_bill_lines') }} as lines
    left join files on {{ are_same('lines', 'files', ['provider', 'account_id', 'file_kind', 'file_id']) }}
    left join replacements on lines.line_id = replacements.line_id

),

-- Each dollar counts once: what a better kind of bill covers, a worse one repeats.
outranked_lines as (

    select distinct lines.line_id
    from lines
    inner join {{ ref('int_bill_files') }} as bills
        on
            lines.provider = bills.provider
            and (
                lines.bill_account_id = bills.bill_account_id
                or lines.is_account_unknown or bills.is_account_unknown
            )
            and lines.file_role = 'bill' and bills.file_role = 'bill'
            and bills.covers_use
            and lines.ranks_from <= bills.covers_to
            and lines.ranks_to >= bills.covers_from
            and lines.place > bills.place

),

numbered_copies as (

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

),

-- Paginated downloads can repeat the same call.
repeated_lines as (

    select line_id
    from numbered_copies
    where copy_no > 1

),

statuses as (

    select
        lines.line_id,
        case
            when lines.is_overwritten or lines.newer_file_id is not null then 'newer_file'
            when outranked_lines.line_id is not null then 'better_kind'
            when repeated_lines.line_id is not null then 'repeated'
            when lines.file_role = 'gateway' then 'gateway'
        end as set_aside_by,
        lines.newer_file_id
    from lines
    left join outranked_lines on lines.line_id = outranked_lines.line_id
    left join repeated_lines on lines.line_id = repeated_lines.line_id
    where lines.line_id not in (select invoices.line_id from invoices_with_bill as invoices)

)

select
    line_id,
    set_aside_by is null as is_standing,
    set_aside_by,
    newer_file_id
from statuses
