-- OTLP JSON as the OpenTelemetry Collector's file exporter writes it, also from `instrumentationLibrarySpans`.
with resources as (

    select
        file_no,
        source_line,
        unnest(json_transform(document, '{"resourceSpans": [{
            "resource": {"attributes": [{own_attribute}]},
            "scopeSpans": [{scope_spans}],
            "instrumentationLibrarySpans": [{scope_spans}]
        }]}').resourceSpans) as resource_spans
    from documents

),

scopes as (

    select
        file_no,
        source_line,
        otlp_names(resource_spans.resource.attributes) as resource_names,
        otlp_texts(resource_spans.resource.attributes) as resource_texts,
        -- Not coalesce, which copies.
        unnest(case
            when resource_spans.scopeSpans is not null then resource_spans.scopeSpans
            else resource_spans.instrumentationLibrarySpans
        end) as scope
    from resources

),

-- Apart from the spans, so that lists are joined once for each scope.
named as (

    select
        file_no,
        source_line,
        -- Named as exporters to formats without scopes name them.
        list_concat(resource_names, ['otel.scope.name', 'otel.scope.version']) as resource_names,
        list_concat(resource_texts, [
            coalesce(scope.scope.name, scope.instrumentationLibrary.name),
            coalesce(scope.scope.version, scope.instrumentationLibrary.version)
        ]) as resource_texts,
        is_tail_sampled(scope.scope.attributes) as is_tail_sampled,
        scope.spans as spans
    from scopes

),

spans as (

    select
        file_no,
        source_line,
        resource_names,
        resource_texts,
        is_tail_sampled,
        unnest(spans) as span
    from named

)

select
    file_no,
    source_line,
    'otlp' as format,
    span.traceId as trace_id,
    span.spanId as span_id,
    span.parentSpanId as parent_span_id,
    span.name as name,
    span.status.code as status,
    span.startTimeUnixNano as started,
    span.endTimeUnixNano as ended,
    'ns' as unit,
    list_transform(span.links, lambda link: { 'trace_id': link.traceId, 'span_id': link.spanId }) as links,
    otlp_events(span.events) as events,
    otlp_names(span.attributes) as names,
    otlp_texts(span.attributes) as texts,
    resource_names,
    resource_texts,
    nullif(span.traceState, '') as trace_state,
    is_tail_sampled
from spans
