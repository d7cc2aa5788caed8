-- Spans as OpenTelemetry's JavaScript SDK holds them: `spanContext`, times as [seconds, nanoseconds].
select
    file_no,
    source_line,
    'javascript' as format,
    coalesce(document ->> '$.spanContext.traceId', document ->> '$._spanContext.traceId', document ->> '$.traceId')
        as trace_id,
    coalesce(document ->> '$.spanContext.spanId', document ->> '$._spanContext.spanId', document ->> '$.id') as span_id,
    coalesce(document ->> '$.parentSpanContext.spanId', document ->> '$.parentSpanId', document ->> '$.parentId')
        as parent_span_id,
    document ->> '$.name' as name,
    document ->> '$.status.code' as status,
    coalesce(seconds_of(document -> '$.startTime'), document ->> '$.timestamp') as started,
    coalesce(
        seconds_of(document -> '$.endTime'),
        cast(
            try_cast(document ->> '$.timestamp' as decimal(38, 3)) + try_cast(document ->> '$.duration' as decimal(38, 3))
            as varchar
        )
    ) as ended,
    cast(null as varchar) as unit,
    coalesce(
        document ->> '$.spanContext.traceState', document ->> '$._spanContext.traceState', document ->> '$.traceState'
    ) as trace_state,
    list_transform(json_extract(document, '$.links[*]'), lambda link: {
        'trace_id': link ->> '$.context.traceId', 'span_id': link ->> '$.context.spanId'
    }) as links,
    events_of(document -> '$.events') as events,
    pairs_of(document -> '$.attributes') as attributes,
    pairs_of(javascript_resource(document)) as resource
from documents
-- One file may hold the SDK's log records and metrics beside its spans.
where not json_exists(document, '$.hrTime') and not json_exists(document, '$.scopeMetrics')
