-- Some models need only a span's keys and times. They read this view, because a query over stg_telemetry__spans plans
-- the whole usage solver, even where none of its columns is used.
select
    trace_key,
    span_key,
    parent_span_key,
    file_id,
    request_id,
    service_name,
    instance_id,
    started_at,
    ended_at,
    day as started_on
from {{ source('landed', 'spans') }}
