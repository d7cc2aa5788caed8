-- one row per file's lines of one bucket and the same keys, and newer file that spans the bucket: is it in its scope
{{ config(materialized="kept", meta={"rebuilt_at_news_of": "bills"}) }}
with lines as (

    select * from {{ ref('int_provider_lines_keyed') }}

),

covering as (

    select
        *,
        {{ part_of('source_file') }} as part_no,
        {{ family_of('source_file') }} as family
    from {{ ref('int_provider_files_covering') }}

),

-- The filters that the noted requests of an export state are its scope, in place of what it lists.
filtered as (

    select distinct
        covering.provider,
        covering.file_kind,
        covering.export_id,
        requests.filter_key as key,
        requests.filter_value as value
    from covering
    inner join {{ ref('int_bill_requests') }} as requests on covering.file_id = requests.file_id
    where covering.stated_scope = 'filter' and requests.filter_key is not null

),

keys as (

    -- A line that does not say its key may be of any: what a filter leaves out, nobody knows.
    {% for key in ['key_id', 'project_id', 'model'] %}
        select distinct
            provider,
            file_kind,
            keys_id,
            '{{ key }}' as key,
            cast(null as string) as value
        from lines
        where {{ key }} is null

        union all

    {% endfor %}
    select distinct
        provider,
        file_kind,
        keys_id,
        'filter' as key,
        cast(null as string) as value
    from lines

    union all

    {% for key in bill_keys() %}
        select distinct
            provider,
            file_kind,
            keys_id,
            '{{ key }}' as key,
            {{ key }} as value
        from lines
        where {{ key }} is not null
        {% if not loop.last %}
            union all
        {% endif %}
    {% endfor %}

),

exports_filtered as (

    select distinct
        provider,
        file_kind,
        export_id
    from filtered

),

exports as (

    select distinct
        lines.provider,
        lines.file_kind,
        lines.export_id,
        lines.keys_id
    from lines
    left join exports_filtered
        on
            lines.provider = exports_filtered.provider
            and lines.file_kind = exports_filtered.file_kind
            and lines.export_id = exports_filtered.export_id
    where exports_filtered.export_id is null

),

listed as (

    select distinct
        exports.provider,
        exports.file_kind,
        exports.export_id,
        keys.key,
        keys.value,
        false as is_filter
    from exports
    inner join keys
        on
            exports.provider = keys.provider
            and exports.file_kind = keys.file_kind
            and exports.keys_id = keys.keys_id
    where keys.value is not null

    union all

    select
        *,
        true as is_filter
    from filtered

    union all

    -- A model may be named by an alias, or dated.
    select
        filtered.provider,
        filtered.file_kind,
        filtered.export_id,
        filtered.key,
        coalesce(models.model, {{ without_pattern(
            without_pattern('lower(filtered.value)', '[^a-z0-9]'), '([0-9]{8}|latest)$'
        ) }}) as value,
        true as is_filter
    from filtered
    left join {{ ref('int_models_billed') }} as models
        on filtered.provider = models.provider and filtered.value = models.model_name and models.is_known
    where filtered.key = 'model'

),

-- Most exports list the same: each set of keys is compared once.
listings as (

    select
        provider,
        file_kind,
        export_id,
        case when bool_or(is_filter) then 'filter ' else '' end
        || md5({{ joined_texts("key || '=' || value", '|', 'key, value') }}) as listing_id
    from listed
    group by provider, file_kind, export_id

),

listed_values as (

    select distinct
        listings.provider,
        listings.file_kind,
        listings.listing_id,
        listed.key,
        listed.value
    from listings
    inner join listed
        on
            listings.provider = listed.provider
            and listings.file_kind = listed.file_kind
            and listings.export_id = listed.export_id

),

kinds_listed as (

    select distinct
        provider,
        file_kind,
        listing_id,
        key
    from listed_values

),

-- Lines of a key that an export lists elsewhere are in its scope; a kind of key that it does not list limits nothing.
unlisted as (

    select
        keys.provider,
        keys.file_kind,
        keys.keys_id,
        used.listing_id,
        {{ joined_texts(
            "case when keys.key = 'filter' then 'what a filter of the request leaves out'"
            " else replace(keys.key, '_', ' ') || ' ' || coalesce(nullif(keys.value, ''), '(none)') end",
            ', ', 'keys.key'
        ) }} as unlisted_keys,
        -- Nothing else tells whether the line is in the scope.
        bool_and(keys.value is null) as is_unknown
    from keys
    inner join kinds_listed as used
        on keys.provider = used.provider and keys.file_kind = used.file_kind and keys.key = used.key
    left join listed_values
        on
            keys.provider = listed_values.provider
            and keys.file_kind = listed_values.file_kind
            and used.listing_id = listed_values.listing_id
            and keys.key = listed_values.key
            and keys.value = listed_values.value
    where listed_values.value is null and (keys.value is not null or left(used.listing_id, 7) = 'filter ')
    group by keys.provider, keys.file_kind, keys.keys_id, used.listing_id

),

filled as (

    select distinct
        provider,
        file_kind,
        export_id
    from lines

),

-- All parts of an export are there, if a manifest lists them, or as many as their names say (2 of 3).
whole as (

    select
        provider,
        file_kind,
        export_id
    from covering
    group by provider, file_kind, export_id
    having
        bool_or(is_in_manifest)
        or count(distinct part_no) = max(
            try_cast(nullif(regexp_extract(part_no, 'of[ _-]([0-9]+)$', 1), '') as integer)
        )

),

overwritten as (

    select distinct
        provider,
        file_kind,
        source_file
    from covering
    where is_overwritten

),

-- Parts that came again under their names; the places of parts compare as texts of one length.
renewed as (

    select
        covering.*,
        max(lpad(covering.part_no, 60, '0')) over (
            partition by covering.provider, covering.file_kind, covering.export_id
        ) as last_place
    from covering
    inner join overwritten
        on
            covering.provider = overwritten.provider
            and covering.file_kind = overwritten.file_kind
            and covering.source_file = overwritten.source_file
    where not covering.is_overwritten and covering.part_no != ''

),

newer as (

    select
        covering.*,
        listings.listing_id,
        filled.export_id is null and coalesce(covering.stated_scope, '') != 'filter' as is_empty,
        whole.export_id is not null as is_whole
    from covering
    left join whole
        on
            covering.provider = whole.provider
            and covering.file_kind = whole.file_kind
            and covering.export_id = whole.export_id
    left join filled
        on
            covering.provider = filled.provider
            and covering.file_kind = filled.file_kind
            and covering.export_id = filled.export_id
    left join listings
        on
            covering.provider = listings.provider
            and covering.file_kind = listings.file_kind
            and covering.export_id = listings.export_id
    where not covering.is_overwritten

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
    inner join covering as files
        on
            lines.provider = files.provider
            and lines.account_id = files.account_id
            and lines.file_kind = files.file_kind
            and lines.key_scope = files.key_scope
            and lines.file_id = files.file_id
    where not files.is_overwritten

),

-- Another account of a bill is in the scope of an export of that bill only if the export lists it.
shared as (

    select distinct
        older.provider,
        older.file_kind,
        older.file_id,
        newer.file_id as newer_file_id
    from covering as older
    inner join covering as newer
        on
            older.provider = newer.provider
            and older.account_id = newer.account_id
            and older.bill_account_id = newer.bill_account_id
            and older.file_kind = newer.file_kind
            and older.newness < newer.newness
    where older.bill_account_id != older.account_id

),

accounts_listed as (

    select distinct
        provider,
        file_kind,
        export_id,
        account_id
    from covering

),

parts_listed as (

    select distinct
        provider,
        file_kind,
        export_id,
        part_no
    from covering

),

met as (

    select
        buckets.*,
        newer.file_id as newer_file_id,
        newer.newness as newer_rank,
        newer.stated_scope,
        newer.listing_id,
        newer.is_empty,
        newer.account_id != buckets.account_id as is_other_account,
        -- A numbered part that the newer export lacks: it was not downloaded again, or did not land, as it is the same.
        buckets.part_no != '' and newer.part_no != '' and buckets.family = newer.family
        and parts_listed.part_no is null and not newer.is_whole as is_part_missing
    from buckets
    inner join newer
        on
            buckets.provider = newer.provider
            and buckets.file_kind = newer.file_kind
            and buckets.newness < newer.newness
            and buckets.ranks_from <= newer.covers_to
            and buckets.ranks_to >= newer.covers_from
            -- A line of more than a day belongs to the export that covers its start.
            and (buckets.ranks_to <= buckets.ranks_from + interval 25 hour or buckets.ranks_from >= newer.covers_from)
    left join shared
        on
            buckets.provider = shared.provider
            and buckets.file_kind = shared.file_kind
            and buckets.file_id = shared.file_id
            and newer.file_id = shared.newer_file_id
    left join accounts_listed
        on
            newer.provider = accounts_listed.provider
            and newer.file_kind = accounts_listed.file_kind
            and newer.export_id = accounts_listed.export_id
            and buckets.account_id = accounts_listed.account_id
    left join parts_listed
        on
            newer.provider = parts_listed.provider
            and newer.file_kind = parts_listed.file_kind
            and newer.export_id = parts_listed.export_id
            and buckets.part_no = parts_listed.part_no
    where
        (buckets.account_id = newer.account_id and buckets.key_scope = newer.key_scope)
        or (
            buckets.bill_account_id = newer.bill_account_id
            and accounts_listed.account_id is null
            and (shared.file_id is not null or newer.stated_scope = 'account')
        )

    union all

    -- The last parts of an export of which others came again: they are as they were, or the export has fewer by now.
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
    inner join renewed
        on
            buckets.provider = renewed.provider
            and buckets.account_id = renewed.account_id
            and buckets.file_kind = renewed.file_kind
            and buckets.key_scope = renewed.key_scope
            and buckets.export_id = renewed.export_id
            and lpad(buckets.part_no, 60, '0') > renewed.last_place
            and buckets.ranks_from <= renewed.covers_to
            and buckets.ranks_to >= renewed.covers_from
    where not renewed.is_in_manifest

)

select
    met.provider,
    met.account_id,
    met.file_kind,
    met.key_scope,
    met.file_id,
    met.keys_id,
    met.ranks_from,
    met.ranks_to,
    met.newer_file_id,
    max(met.newer_rank) as newer_rank,
    bool_or(
        coalesce(met.stated_scope = 'account', false)
        or (not met.is_other_account and not met.is_empty and not met.is_part_missing and unlisted.keys_id is null)
    ) as is_in_scope,
    bool_or(met.stated_scope is not null and not coalesce(unlisted.is_unknown, false)) as is_scope_stated,
    max(case
        when met.is_other_account then 'account ' || met.account_id
        -- Filtered by a key without use, or all was taken back.
        when met.is_empty then 'anything'
        when met.is_part_missing then 'part ' || met.part_no
        else unlisted.unlisted_keys
    end) as unlisted_keys
from met
left join unlisted
    on
        met.provider = unlisted.provider
        and met.file_kind = unlisted.file_kind
        and met.keys_id = unlisted.keys_id
        and met.listing_id = unlisted.listing_id
group by
    met.provider, met.account_id, met.file_kind, met.key_scope, met.file_id, met.keys_id, met.ranks_from,
    met.ranks_to, met.newer_file_id
