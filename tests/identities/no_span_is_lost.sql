-- Identity 5: spans read = landed + superseded copies + rejected + retired; every billable one that this build reads is
-- in exactly one call, and every call in the mart, but for copies that a bill has no room for.
with files as (

    select
        coalesce(sum(rows_read), 0) as rows_read,
        coalesce(sum(rows_superseded), 0) as rows_superseded,
        coalesce(sum(rows_rejected), 0) as rows_rejected,
        coalesce(sum(rows_retired), 0) as rows_retired
    from {{ source('landed', 'files') }}
    where kind = 'spans'

),

landed as (

    select count(*) as spans
    from {{ ref('stg_telemetry__spans') }}

),

read as (

    select count(*) filter (where is_billable) as billable
    from {{ ref('int_spans_reopened') }}

),

grouped as (

    select
        count(*) as billable,
        count(*) filter (where is_wrapper) as wrappers
    from {{ ref('int_span_calls') }}
    where {{ is_touched('trace_key', 'trace') }}

),

reported as (

    select coalesce(sum(spans), 0) as spans
    from {{ ref('int_calls') }}
    where tool_meter is null and {{ is_touched('trace_key', 'trace') }}

),

calls as (

    select
        (select count(*) from {{ ref('int_calls') }}) as known,
        (select count(*) from {{ ref('int_copied_calls') }}) as copies,
        (select count(*) from {{ ref('attributed_calls') }}) as attributed,
        -- On the provider's clock they may be of the month before, which is retired.
        (
            select count(*)
            from {{ ref('int_calls') }}
            where not {{ is_kept('cast(started_on - interval 1 day as date)') }}
        ) as at_border

)

select
    files.*,
    landed.spans as landed,
    read.billable,
    grouped.wrappers,
    reported.spans as spans_in_calls,
    calls.*
from files
cross join landed
cross join read
cross join grouped
cross join reported
cross join calls
where
    files.rows_read != landed.spans + files.rows_superseded + files.rows_rejected + files.rows_retired
    or read.billable != grouped.billable
    or grouped.billable != grouped.wrappers + reported.spans
    or calls.known - calls.copies - calls.attributed not between 0 and calls.at_border
