-- Rows of the Collector's ClickHouse exporter (table otel_traces: HyperDX, OpenLIT, many others) and of SigNoz's span
-- tables; maps as JSON or as ClickHouse writes them in CSV. Durations are nanoseconds, times are UTC.
with spans as (

    select
        file_no,
        source_line,
        unnest(case
            when json_type(document, '$.data') = 'ARRAY' then json_extract(document, '$.data[*]')
            else [cast(document as json)]
        end) as span
    from documents

),

timed as (

    select
        *,
        coalesce(span ->> '$.Timestamp', span ->> '$.timestamp') as started,
        coalesce(span ->> '$.Duration', span ->> '$.duration_nano', span ->> '$.durationNano') as nanoseconds,
        clickhouse_list(span ->> '$."Links.TraceId"') as linked_traces,
        clickhouse_list(span ->> '$."Links.SpanId"') as linked_spans
    from spans

)

select
    file_no,
    source_line,
    'clickhouse' as format,
    coalesce(span ->> '$.TraceId', span ->> '$.trace_id', span ->> '$.traceID') as trace_id,
    coalesce(span ->> '$.SpanId', span ->> '$.span_id', span ->> '$.spanID') as span_id,
    coalesce(span ->> '$.ParentSpanId', span ->> '$.parent_span_id', span ->> '$.parentSpanID') as parent_span_id,
    coalesce(span ->> '$.SpanName', span ->> '$.name') as name,
    coalesce(
        span ->> '$.StatusCode', span ->> '$.status_code_string', span ->> '$.status_code', span ->> '$.statusCode'
    ) as status,
    started,
    time_after(started, null, try_cast(nanoseconds as decimal(38, 3)) / 1000) as ended,
    cast(null as varchar) as unit,
    coalesce(span ->> '$.TraceState', span ->> '$.trace_state', span ->> '$.traceState') as trace_state,
    case when len(linked_traces) > 0 then list_transform(
        list_zip(linked_traces, linked_spans), lambda link: { 'trace_id': link[1], 'span_id': link[2] }
    ) end as links,
    list_concat(
        clickhouse_pairs(span ->> '$.SpanAttributes'),
        clickhouse_pairs(coalesce(span ->> '$.attributes_string', span ->> '$.stringTagMap', span ->> '$.tagMap')),
        clickhouse_pairs(coalesce(span ->> '$.attributes_number', span ->> '$.numberTagMap')),
        clickhouse_pairs(coalesce(span ->> '$.attributes_bool', span ->> '$.boolTagMap'))
    ) as attributes,
    list_concat(
        clickhouse_pairs(span ->> '$.ResourceAttributes'),
        clickhouse_pairs(coalesce(span ->> '$.resources_string', span ->> '$.resourceTagsMap')),
        [
            { 'key': 'service.name', 'value': coalesce(
                span ->> '$.ServiceName', span ->> '$.serviceName', span ->> '$."resource_string_service$$name"'
            ) },
            { 'key': 'otel.scope.name', 'value': span ->> '$.ScopeName' },
            { 'key': 'otel.scope.version', 'value': span ->> '$.ScopeVersion' }
        ]
    ) as resource
from timed
where
    json_exists(span, '$.SpanAttributes')
    or json_exists(span, '$.attributes_string')
    or json_exists(span, '$.stringTagMap')
    or json_exists(span, '$.tagMap')
