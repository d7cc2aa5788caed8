-- Jaeger JSON (query API, UI download): traces under `data`, or one trace. Ids may lack leading zeros.
with traces as (

    select
        file_no,
        source_line,
        unnest(case
            when json_exists(document, '$.data') then json_extract(document, '$.data[*]') else [cast(document as json)]
        end) as trace
    from documents

),

spans as (

    select
        file_no,
        source_line,
        trace -> '$.processes' as processes,
        unnest(trace -> '$.spans[*]') as span
    from traces

),

referring as (

    select
        *,
        jaeger_id(span ->> '$.traceID') as trace_id,
        coalesce(span -> '$.process', json_extract(processes, '$."' || (span ->> '$.processID') || '"')) as process,
        list_transform(json_extract(span, '$.references[*]'), lambda reference: {
            'trace_id': jaeger_id(reference ->> '$.traceID'),
            'span_id': jaeger_id(reference ->> '$.spanID'),
            'kind': reference ->> '$.refType'
        }) as span_references
    from spans

),

parented as (

    select
        *,
        coalesce(
            list_filter(span_references, lambda other: other.trace_id = trace_id and other.kind = 'CHILD_OF')[1].span_id,
            list_filter(span_references, lambda other: other.trace_id = trace_id)[1].span_id,
            jaeger_id(span ->> '$.parentSpanID')
        ) as parent_span_id
    from referring

)

select
    file_no,
    source_line,
    'jaeger' as format,
    trace_id,
    jaeger_id(span ->> '$.spanID') as span_id,
    parent_span_id,
    span ->> '$.operationName' as name,
    case
        when list_contains(jaeger_pairs(span -> '$.tags'), { 'key': 'error', 'value': 'true' }) then 'ERROR'
        else list_filter(jaeger_pairs(span -> '$.tags'), lambda tag: tag.key = 'otel.status_code')[1].value
    end as status,
    span ->> '$.startTime' as started,
    cast(
        try_cast(span ->> '$.startTime' as bigint) + coalesce(try_cast(span ->> '$.duration' as bigint), 0) as varchar
    ) as ended,
    'us' as unit,
    list_transform(
        list_filter(span_references, lambda other: other.trace_id <> trace_id or other.span_id <> parent_span_id),
        lambda other: { 'trace_id': other.trace_id, 'span_id': other.span_id }
    ) as links,
    jaeger_events(span -> '$.logs') as events,
    jaeger_pairs(span -> '$.tags') as attributes,
    list_concat(
        jaeger_pairs(process -> '$.tags'), [{ 'key': 'service.name', 'value': process ->> '$.serviceName' }]
    ) as resource
from parented
