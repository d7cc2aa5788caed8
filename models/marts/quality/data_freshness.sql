with newest_lines as (

    select
        file_id,
        file_kind,
        max(starts_at) as newest_record_at
    from {{ ref('int_bill_lines') }}
    group by file_id, file_kind

),

-- Other files have one kind of records, in a table of its own. A month or a day counts from its first instant.
newest_records as (

    select
        'spans' as source,
        max(started_at) as newest_record_at
    from {{ source('landed', 'spans') }}

    union all

    select
        'eval_runs' as source,
        max(started_at) as newest_record_at
    from {{ source('landed', 'eval_runs') }}

    union all

    select
        'usage_events' as source,
        max(occurred_at) as newest_record_at
    from {{ source('landed', 'usage_events') }}

    union all

    select
        'users' as source,
        cast(max(coalesce(valid_from, signed_up_on)) as timestamp) as newest_record_at
    from {{ source('landed', 'users') }}

    union all

    select
        'revenue' as source,
        cast(max(month) as timestamp) as newest_record_at
    from {{ source('landed', 'revenue') }}

),

landed as (

    select
        coalesce(newest_lines.file_kind, files.kind) as source,
        max(newest_lines.newest_record_at) as newest_record_at,
        max(files.landing_no) as newest_landing_no
    from {{ source('landed', 'files') }} as files
    left join newest_lines on files.file_id = newest_lines.file_id
    where files.kind != 'manifests'
    group by coalesce(newest_lines.file_kind, files.kind)

),

-- A landing's time is that of the files up to its newest.
timed as (

    select
        landed.source,
        landed.newest_record_at,
        min(arrivals.landed_at) as landed_at
    from landed
    left join {{ source('landed', 'arrivals') }} as arrivals on landed.newest_landing_no <= arrivals.landing_no
    group by landed.source, landed.newest_record_at

)

select
    timed.source,
    coalesce(newest_records.newest_record_at, timed.newest_record_at) as newest_record_at,
    timed.landed_at,
    {{ utc_now() }} as built_at
from timed
left join newest_records on timed.source = newest_records.source
