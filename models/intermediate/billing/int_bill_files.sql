{{ config(materialized="kept", meta={"rebuilt_at_news_of": "bills"}) }}
{% set kind_places = {
    'focus': 1000, 'aws_cur': 1500, 'azure_amortized': 1500, 'azure_actual': 1500, 'google_billing': 1500,
    'openai_costs': 2000, 'anthropic_costs': 2000, 'openrouter_activity': 3000, 'openrouter_daily': 4000,
    'github_usage': 2000, 'copilot_usage': 3000, 'cursor_usage': 3000, 'databricks_usage': 2000,
    'snowflake_currency': 2000, 'snowflake_metering': 2500, 'snowflake_cortex': 3000, 'opencost_allocations': 5000,
    'charges': 9000, 'invoices': 10000
} %}
with stretches as (

    select
        file_role,
        provider,
        account_id,
        bill_account_id,
        is_account_unknown,
        file_kind,
        key_scope,
        file_id,
        -- A file of purchases or fees alone covers no use, but these.
        count(covers_from) > 0 as covers_use,
        coalesce(min(covers_from), min(starts_at)) as covers_from,
        coalesce(max(covers_to), max(starts_at)) as covers_to
    from {{ ref('int_bill_lines') }}
    group by
        file_role, provider, account_id, bill_account_id, is_account_unknown, file_kind, key_scope, file_id

),

landed as (

    select
        file_id,
        source_file,
        landing_no,
        archive_id,
        regexp_extract(source_file, '([^/]*)$', 1) as name,
        regexp_extract(source_file, '^(.*)/[^/]*$', 1) as folder
    from {{ source('landed', 'files') }}

),

-- A cloud's manifest names its files by their whole path in the bucket, of which the inbox may hold the end; the newest
-- that names a file counts.
listed as (

    select
        landed.file_id,
        max_by(manifests.export_id, beside.landing_no) as export_id,
        max_by(manifests.exported_at, beside.landing_no) as exported_at
    from {{ source('landed', 'manifests') }} as manifests
    inner join landed as beside on manifests.file_id = beside.file_id and manifests.endpoint is null
    inner join landed
        on
            regexp_extract(manifests.file_name, '([^/]*)$', 1) = landed.name
            and (
                manifests.file_name = landed.source_file
                or right(manifests.file_name, length(landed.source_file) + 1) = '/' || landed.source_file
                or right(landed.source_file, length(manifests.file_name) + 1) = '/' || manifests.file_name
                or beside.folder = landed.folder
            )
    group by landed.file_id

),

-- Google's rows say when they were exported: the table that they are queried from only grows.
stamped as (

    select
        file_id,
        max(export_time) as exported_at
    from {{ source('landed', 'google_billing') }}
    group by file_id

),

-- The note of a page's request says when it was made, and by what it was filtered.
requested as (

    select
        file_id,
        max(requested_at) as requested_at,
        max(request_id) as request_id,
        count(filter_key) > 0 as is_filtered
    from {{ ref('int_bill_requests') }}
    group by file_id

),

delivered as (

    select
        landed.file_id,
        landed.source_file,
        landed.landing_no,
        landed.archive_id,
        coalesce(listed.export_id, requested.request_id) is not null as is_in_manifest,
        -- An archive of the same name may be another download, with other files in it.
        coalesce(
            listed.export_id,
            -- The pages of one request are one export, wherever their contents landed first.
            requested.request_id,
            regexp_extract(landed.source_file, '^(.*[.][zZ][iI][pP])/.*$', 1) || ' ' || landed.archive_id,
            {{ export_of('landed.source_file', 'landed.file_id') }}
        ) as export_id,
        coalesce(stamped.exported_at, listed.exported_at, requested.requested_at) as exported_at,
        case when requested.is_filtered then 'filter' when requested.file_id is not null then 'account' end
            as requested_scope,
        {{ exported_at('landed.source_file') }} as named_at,
        {{ exported_at('landed.folder') }} as folder_at,
        {{ exported_at("regexp_extract(landed.source_file, '[.][zZ][iI][pP]/(.*)$', 1)") }} as member_at
    from landed
    left join listed on landed.file_id = listed.file_id
    left join stamped on landed.file_id = stamped.file_id
    left join requested on landed.file_id = requested.file_id

),

-- Files of an archive that bear other dates and say something of the same days are no parts of one export: somebody
-- collected several exports in it.
collected as (

    select distinct own.file_id
    from stretches as own
    inner join delivered as own_file on own.file_id = own_file.file_id
    inner join stretches as other
        on
            {{ are_same('own', 'other', ['provider', 'account_id', 'file_kind', 'key_scope']) }}
            and own.covers_from <= other.covers_to
            and own.covers_to >= other.covers_from
    inner join delivered as other_file
        on
            other.file_id = other_file.file_id
            and own_file.export_id = other_file.export_id
            and own_file.member_at != other_file.member_at
    where own_file.archive_id is not null and not own_file.is_in_manifest

),

files as (

    select
        {{ all_but('delivered', ['export_id', 'member_at']) }},
        case
            when collected.file_id is null then delivered.export_id
            else delivered.export_id || ' ' || cast(delivered.member_at as string)
        end as export_id
    from delivered
    left join collected on delivered.file_id = collected.file_id

),

bill_sources as (

    select * from {{ ref('bill_sources') }}

),

-- The company's decision for a file: the longest pattern of names that fits it.
decided as (

    select
        stretches.provider,
        stretches.account_id,
        stretches.file_kind,
        stretches.file_id,
        min(bill_sources.priority) as priority,
        max_by(bill_sources.covers, case
            when bill_sources.covers is not null then length(coalesce(bill_sources.source_file, ''))
        end) as covers
    from (select distinct
        provider,
        account_id,
        file_kind,
        file_id
    from stretches) as stretches
    inner join files on stretches.file_id = files.file_id
    inner join bill_sources
        on
            {{ matches('stretches.file_kind', 'bill_sources.file_kind') }}
            and {{ matches('stretches.provider', 'bill_sources.provider') }}
            and {{ fits_id('stretches.account_id', 'bill_sources.account_id') }}
            and {{ matches('files.source_file', 'bill_sources.source_file') }}
    group by stretches.provider, stretches.account_id, stretches.file_kind, stretches.file_id

),

exports as (

    select
        stretches.provider,
        stretches.file_kind,
        files.export_id,
        -- A newer archive may repeat files of an older one.
        case when max(files.archive_id) is null then min(files.landing_no) else max(files.landing_no) end as landing_no,
        max(stretches.covers_to) as period_end,
        max(files.exported_at) as exported_at,
        max(files.named_at) as named_at,
        max(files.folder_at) as folder_at
    from stretches
    inner join files on stretches.file_id = files.file_id
    group by stretches.provider, stretches.file_kind, files.export_id

),

-- A name may state the period in place of the time of export: a day before the period's last is none.
dated as (

    select
        provider,
        file_kind,
        export_id,
        landing_no,
        period_end,
        coalesce(exported_at, greatest(
            case when cast(named_at as date) >= cast(period_end as date) then named_at end,
            case when cast(folder_at as date) >= cast(period_end as date) then folder_at end
        )) as exported_at
    from exports

),

ranked as (

    select
        provider,
        file_kind,
        export_id,
        row_number() over (
            partition by provider, file_kind
            order by {{ in_order('coalesce(exported_at, period_end), period_end, landing_no, export_id') }}
        ) as newness
    from dated

)

select
    stretches.file_role,
    stretches.provider,
    stretches.account_id,
    stretches.bill_account_id,
    stretches.is_account_unknown,
    stretches.file_kind,
    stretches.key_scope,
    stretches.file_id,
    files.source_file,
    stretches.covers_use,
    stretches.covers_from,
    stretches.covers_to,
    files.export_id,
    files.is_in_manifest,
    -- A noted request goes before the word of the company.
    coalesce(files.requested_scope, decided.covers) as stated_scope,
    coalesce(decided.priority, case stretches.file_kind
        {% for kind, place in kind_places.items() %}
            when '{{ kind }}' then {{ place }}
        {% endfor %}
    end) as place,
    -- The newest export: by the time that its rows, its manifest, its folder or its name state, else by its period's
    -- end; then by landing.
    ranked.newness,
    -- A part that came again under its name, while the export grew.
    dense_rank() over (
        partition by stretches.provider, stretches.file_kind, files.export_id, files.source_file
        order by files.landing_no desc
    ) > 1 as is_overwritten
from stretches
inner join files on stretches.file_id = files.file_id
inner join ranked
    on
        stretches.provider = ranked.provider
        and stretches.file_kind = ranked.file_kind
        and files.export_id = ranked.export_id
left join decided
    on
        stretches.provider = decided.provider
        and stretches.account_id = decided.account_id
        and stretches.file_kind = decided.file_kind
        and stretches.file_id = decided.file_id
