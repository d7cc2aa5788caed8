-- A span's attributes alone, as an instrumentation's own tests and debug logs dump them: no ids, no times.
select
    file_no,
    source_line,
    'attributes' as format,
    cast(null as varchar) as trace_id,
    cast(null as varchar) as span_id,
    cast(null as varchar) as parent_span_id,
    coalesce(document ->> '$.name', 'attributes') as name,
    cast(null as varchar) as status,
    cast(null as varchar) as started,
    cast(null as varchar) as ended,
    cast(null as varchar) as unit,
    cast(null as struct(trace_id varchar, span_id varchar)[]) as links,
    pairs_of(document) as attributes,
    cast(null as struct(key varchar, value varchar)[]) as resource
from documents
