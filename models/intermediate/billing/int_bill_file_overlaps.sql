{{ config(materialized="kept", meta={"rebuilt_at_news_of": "bills"}) }}
{% set export = ['provider', 'file_kind', 'export_id'] %}
{% set bucket = [
    'provider', 'account_id', 'file_kind', 'key_scope', 'file_id', 'keys_id', 'ranks_from', 'ranks_to', 'newer_file_id'
] %}
with lines as (

    select * from {{ ref('int_bill_line_keys') }}

),

files as (

    select
        *,
        {{ part_of('source_file') }} as part_no,
        {{ family_of('source_file') }} as family
    from {{ ref('int_bill_files') }}

),

export_keys as (

    select * from {{ ref('int_bill_export_keys') }}

),

listings as (

    select distinct
        {{ export | join(',\n        ') }},
        listing_id
    from export_keys

),

listed_values as (

    select distinct
        provider,
        file_kind,
        listing_id,
        key,
        value
    from export_keys

),

listed_kinds as (

    select distinct
        provider,
        file_kind,
        listing_id,
        key
    from listed_values

),

key_sets as (

    select distinct
        provider,
        file_kind,
        keys_id,
        {{ bill_keys() | join(',\n        ') }}
    from lines

),

-- A line that does not state its key may be of any: nobody knows what a filter leaves out.
keys_of_lines as (

    {% for key in bill_keys() %}
        select
            provider,
            file_kind,
            keys_id,
            '{{ key }}' as key,
            {{ key }} as value
        from key_sets
        {% if key not in ['key_id', 'project_id', 'model'] %}
            where {{ key }} is not null
        {% endif %}
        union all
    {% endfor %}
    select
        provider,
        file_kind,
        keys_id,
        'filter' as key,
        cast(null as string) as value
    from key_sets

),

-- Lines of a key that an export lists anywhere are in its scope. A kind of key that it does not list limits nothing.
unlisted_keys as (

    select
        keys.provider,
        keys.file_kind,
        keys.keys_id,
        listed_kinds.listing_id,
        {{ joined_texts(
            "case when keys.key = 'filter' then 'what a filter of the request leaves out'"
            " else replace(keys.key, '_', ' ') || ' ' || coalesce(nullif(keys.value, ''), '(none)') end",
            ', ', 'keys.key'
        ) }} as unlisted_keys,
        -- Nothing else tells whether the line is in the scope.
        bool_and(keys.value is null) as is_unknown
    from keys_of_lines as keys
    inner join listed_kinds on {{ are_same('keys', 'listed_kinds', ['provider', 'file_kind', 'key']) }}
    left join listed_values
        on
            {{ are_same('keys', 'listed_values', ['provider', 'file_kind', 'key']) }}
            and keys.value = listed_values.value
            and listed_kinds.listing_id = listed_values.listing_id
    where listed_values.value is null and (keys.value is not null or left(listed_kinds.listing_id, 7) = 'filter ')
    group by keys.provider, keys.file_kind, keys.keys_id, listed_kinds.listing_id

),

exports_with_lines as (

    select distinct {{ export | join(', ') }}
    from lines

),

-- An export is complete if a manifest lists its parts, or as many landed as their names say (2 of 3).
complete_exports as (

    select {{ export | join(', ') }}
    from files
    group by {{ export | join(', ') }}
    having
        bool_or(is_in_manifest)
        or count(distinct part_no) = max(
            try_cast(nullif(regexp_extract(part_no, 'of[ _-]([0-9]+)$', 1), '') as integer)
        )

),

accounts_of_exports as (

    select distinct {{ (export + ['account_id']) | join(', ') }}
    from files

),

parts_of_exports as (

    select distinct {{ (export + ['part_no']) | join(', ') }}
    from files

),

newer_files as (

    select
        files.*,
        listings.listing_id,
        exports_with_lines.export_id is null and coalesce(files.stated_scope, '') != 'filter' as is_empty,
        complete_exports.export_id is not null as is_complete
    from files
    left join complete_exports on {{ are_same('files', 'complete_exports', export) }}
    left join exports_with_lines on {{ are_same('files', 'exports_with_lines', export) }}
    left join listings on {{ are_same('files', 'listings', export) }}
    where not files.is_overwritten

),

buckets as (

    select distinct
        lines.provider,
        lines.account_id,
        lines.bill_account_id,
        lines.file_kind,
        lines.key_scope,
        lines.file_id,
        lines.keys_id,
        lines.ranks_from,
        lines.ranks_to,
        files.export_id,
        files.newness,
        files.part_no,
        files.family
    from lines
    inner join files
        on {{ are_same('lines', 'files', ['provider', 'account_id', 'file_kind', 'key_scope', 'file_id']) }}
    where not files.is_overwritten

),

-- An export contains another account of its bill only if it lists that account.
newer_files_of_bill as (

    select distinct
        older.provider,
        older.file_kind,
        older.file_id,
        newer.file_id as newer_file_id
    from files as older
    inner join files as newer
        on
            {{ are_same('older', 'newer', ['provider', 'account_id', 'bill_account_id', 'file_kind']) }}
            and older.newness < newer.newness
    where older.bill_account_id != older.account_id

),

overlaps_with_newer as (

    select
        buckets.*,
        newer.file_id as newer_file_id,
        newer.newness as newer_rank,
        newer.stated_scope,
        newer.listing_id,
        newer.is_empty,
        newer.account_id != buckets.account_id as is_other_account,
        -- The newer export lacks a numbered part: it was not downloaded again, or is unchanged and did not land.
        buckets.part_no != '' and newer.part_no != '' and buckets.family = newer.family
        and parts_of_exports.part_no is null and not newer.is_complete as is_part_missing
    from buckets
    inner join newer_files as newer
        on
            buckets.provider = newer.provider
            and buckets.file_kind = newer.file_kind
            and buckets.newness < newer.newness
            and buckets.ranks_from <= newer.covers_to
            and buckets.ranks_to >= newer.covers_from
            -- A line of more than a day belongs to the export that covers its start.
            and (buckets.ranks_to <= buckets.ranks_from + interval 25 hour or buckets.ranks_from >= newer.covers_from)
    left join newer_files_of_bill as of_bill
        on
            {{ are_same('buckets', 'of_bill', ['provider', 'file_kind', 'file_id']) }}
            and newer.file_id = of_bill.newer_file_id
    left join accounts_of_exports as accounts
        on {{ are_same('newer', 'accounts', export) }} and buckets.account_id = accounts.account_id
    left join parts_of_exports
        on {{ are_same('newer', 'parts_of_exports', export) }} and buckets.part_no = parts_of_exports.part_no
    where
        (buckets.account_id = newer.account_id and buckets.key_scope = newer.key_scope)
        or (
            buckets.bill_account_id = newer.bill_account_id
            and accounts.account_id is null
            and (of_bill.file_id is not null or newer.stated_scope = 'account')
        )

),

overwritten_parts as (

    select distinct
        provider,
        file_kind,
        source_file
    from files
    where is_overwritten

),

-- Part numbers are compared as texts of one length.
renewed_parts as (

    select
        files.*,
        max(lpad(files.part_no, 60, '0')) over (
            partition by files.provider, files.file_kind, files.export_id
        ) as last_part
    from files
    inner join overwritten_parts
        on {{ are_same('files', 'overwritten_parts', ['provider', 'file_kind', 'source_file']) }}
    where not files.is_overwritten and files.part_no != ''

),

-- An export whose last parts did not come again may have fewer parts by now, or these are unchanged.
bucket_overlaps as (

    select * from overlaps_with_newer

    union all

    select
        buckets.*,
        renewed.file_id as newer_file_id,
        renewed.newness as newer_rank,
        renewed.stated_scope,
        cast(null as string) as listing_id,
        false as is_empty,
        false as is_other_account,
        true as is_part_missing
    from buckets
    inner join renewed_parts as renewed
        on
            {{ are_same('buckets', 'renewed', export + ['account_id', 'key_scope']) }}
            and lpad(buckets.part_no, 60, '0') > renewed.last_part
            and buckets.ranks_from <= renewed.covers_to
            and buckets.ranks_to >= renewed.covers_from
    where not renewed.is_in_manifest

),

judged_overlaps as (

    select
        bucket_overlaps.*,
        unlisted_keys.unlisted_keys,
        unlisted_keys.is_unknown
    from bucket_overlaps
    left join unlisted_keys
        on {{ are_same('bucket_overlaps', 'unlisted_keys', ['provider', 'file_kind', 'keys_id', 'listing_id']) }}

)

select
    {{ bucket | join(',\n    ') }},
    max(newer_rank) as newer_rank,
    bool_or(
        coalesce(stated_scope = 'account', false)
        or (not is_other_account and not is_empty and not is_part_missing and unlisted_keys is null)
    ) as is_in_scope,
    bool_or(stated_scope is not null and not coalesce(is_unknown, false)) as is_scope_stated,
    max(case
        when is_other_account then 'account ' || account_id
        -- The newer export was filtered by a key without use, or all lines were taken back.
        when is_empty then 'anything'
        when is_part_missing then 'part ' || part_no
        else unlisted_keys
    end) as unlisted_keys
from judged_overlaps
group by {{ bucket | join(', ') }}
