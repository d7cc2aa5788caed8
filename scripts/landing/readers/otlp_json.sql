-- OTLP JSON as the OpenTelemetry Collector's file exporter writes it, also from `instrumentationLibrarySpans`.
with resources as (

    select
        file_no,
        source_line,
        unnest(json_transform(document, '{"resourceSpans": [{
            "resource": {"attributes": [{attribute}]},
            "scopeSpans": [{"spans": [{span}]}],
            "instrumentationLibrarySpans": [{"spans": [{span}]}]
        }]}').resourceSpans) as resource_spans
    from documents

),

scopes as (

    select
        file_no,
        source_line,
        resource_spans.resource.attributes as resource_attributes,
        unnest(coalesce(resource_spans.scopeSpans, resource_spans.instrumentationLibrarySpans)) as scope
    from resources

),

spans as (

    select
        file_no,
        source_line,
        resource_attributes,
        unnest(scope.spans) as span
    from scopes

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
    otlp_pairs(span.attributes) as attributes,
    otlp_pairs(resource_attributes) as resource
from spans
