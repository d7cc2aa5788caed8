-- Honeycomb's spans: flat columns, or the columns under `data` as the events API has them. Span events and links are
-- records of their own there: a link joins the span it belongs to, an event says nothing of usage.
with events as (

    select
        file_no,
        source_line,
        case when json_type(document, '$.data') = 'OBJECT' then document -> '$.data' else cast(document as json) end as event,
        coalesce(document ->> '$.time', document ->> '$.Timestamp', document ->> '$.timestamp') as sent_at,
        -- Beside the columns, in batches of the events API.
        document ->> '$.samplerate' as sample_rate
    from documents

),

links as (

    select
        file_no,
        event ->> '$."trace.trace_id"' as trace_id,
        event ->> '$."trace.parent_id"' as span_id,
        list({
            'trace_id': event ->> '$."trace.link.trace_id"', 'span_id': event ->> '$."trace.link.span_id"'
        }) as links
    from events
    where event ->> '$."meta.annotation_type"' = 'link'
    group by all

),

spans as (

    select
        *,
        event ->> '$."trace.trace_id"' as trace_id,
        event ->> '$."trace.span_id"' as span_id,
        coalesce(sent_at, event ->> '$.Timestamp', event ->> '$.timestamp', event ->> '$.time') as started
    from events
    where
        event ->> '$."trace.span_id"' <> ''
        and coalesce(event ->> '$."meta.annotation_type"', '') not in ('span_event', 'link')

)

select
    spans.file_no,
    spans.source_line,
    'honeycomb' as format,
    spans.trace_id,
    spans.span_id,
    spans.event ->> '$."trace.parent_id"' as parent_span_id,
    spans.event ->> '$.name' as name,
    case
        when lower(spans.event ->> '$.error') = 'true' then 'ERROR'
        else coalesce(spans.event ->> '$.status_code', spans.event ->> '$."status.code"')
    end as status,
    spans.started,
    time_after(spans.started, null, try_cast(spans.event ->> '$.duration_ms' as decimal(38, 6)) * 1000) as ended,
    cast(null as varchar) as unit,
    links.links,
    list_concat(
        pairs_of(spans.event), [{ 'key': 'honeycomb.samplerate', 'value': spans.sample_rate }]
    ) as attributes,
    [
        { 'key': 'service.name', 'value': coalesce(
            spans.event ->> '$."service.name"', spans.event ->> '$.service_name', spans.event ->> '$.serviceName'
        ) },
        { 'key': 'otel.scope.name', 'value': coalesce(
            spans.event ->> '$."library.name"', spans.event ->> '$."otel.scope.name"'
        ) },
        { 'key': 'otel.scope.version', 'value': coalesce(
            spans.event ->> '$."library.version"', spans.event ->> '$."otel.scope.version"'
        ) }
    ] as resource
from spans
left join links
    on spans.file_no = links.file_no and spans.trace_id = links.trace_id and spans.span_id = links.span_id
