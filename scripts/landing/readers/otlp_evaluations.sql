-- Events `gen_ai.evaluation.result` on the spans that were evaluated, in OTLP JSON. The explanation is never asked for.
with resources as (

    select
        file_no,
        source_line,
        unnest(json_transform(document, '{"resourceSpans": [{
            "resource": {"attributes": [{attribute}]},
            "scopeSpans": [{"spans": [{scored_span}]}],
            "instrumentationLibrarySpans": [{"spans": [{scored_span}]}]
        }]}').resourceSpans) as held
    from documents

),

scopes as (

    select
        file_no,
        source_line,
        otlp_pairs(held.resource.attributes) as resource,
        unnest(coalesce(held.scopeSpans, held.instrumentationLibrarySpans)) as scope
    from resources

),

spans as (

    select
        file_no,
        source_line,
        resource,
        unnest(scope.spans) as span
    from scopes

),

events as (

    select
        file_no,
        source_line,
        resource,
        span.traceId as trace_id,
        span.spanId as span_id,
        otlp_pairs(span.attributes) as span_pairs,
        coalesce(span.endTimeUnixNano, span.startTimeUnixNano) as span_time,
        unnest(list_filter(span.events, lambda event: event.name = 'gen_ai.evaluation.result')) as event
    from spans

),

told as (

    select
        file_no,
        source_line,
        trace_id,
        span_id,
        coalesce(nullif(event.timeUnixNano, '0'), span_time) as stated_time,
        otlp_pairs(event.attributes) as pairs,
        list_concat(span_pairs, resource) as around
    from events

)

