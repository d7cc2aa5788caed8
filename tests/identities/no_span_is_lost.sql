-- Identity 5: spans read = landed + superseded copies + rejected; every billable one is in exactly one call.
with files as (

    select
        coalesce(sum(rows_read), 0) as rows_read,
        coalesce(sum(rows_superseded), 0) as rows_superseded,
        coalesce(sum(rows_rejected), 0) as rows_rejected
    from {{ source('landed', 'files') }}
    where kind = 'spans'

),

spans as (

    select
        count(*) as landed,
        count(*) filter (where is_billable) as billable
    from {{ ref('stg_telemetry__spans') }}

),

grouped as (

    select
        count(*) as billable,
        count(*) filter (where is_wrapper) as wrappers
    from {{ ref('int_billable_spans_grouped') }}

),

calls as (

    select coalesce(sum(spans), 0) as spans
    from {{ ref('attributed_calls') }}

)

select
    files.*,
    spans.landed,
    spans.billable,
    grouped.wrappers,
    calls.spans as spans_in_calls
from files
cross join spans
cross join grouped
cross join calls
where
    files.rows_read != spans.landed + files.rows_superseded + files.rows_rejected
    or spans.billable != grouped.billable
    or grouped.billable != grouped.wrappers + calls.spans
