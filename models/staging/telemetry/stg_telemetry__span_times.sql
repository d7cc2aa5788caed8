-- What finds a span and its trace, without what reading its usage costs.
select
    trace_key,
    span_key,
    parent_span_key,
    file_id,
    request_id,
    started_at,
    day as started_on
from {{ source('landed', 'spans') }}
