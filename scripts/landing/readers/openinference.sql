-- OpenInference / Phoenix span exports, nested or flattened, and dumps of OpenTelemetry's console exporter.
with opened as (

    select
        *,
        pairs_of(document) as pairs,
        json_of(document ->> '$.attributes') as attributes_object
    from documents

)

select
    file_no,
    source_line,
    case when starts_with(document ->> '$.context.trace_id', '0x') then 'console' else 'openinference' end as format,
    coalesce(
        document ->> '$.context.trace_id', document ->> '$."context.trace_id"', document ->> '$.trace_id'
    ) as trace_id,
    coalesce(
        document ->> '$.context.span_id', document ->> '$."context.span_id"', document ->> '$.span_id'
    ) as span_id,
    coalesce(document ->> '$.parent_id', document ->> '$.parent_span_id') as parent_span_id,
    document ->> '$.name' as name,
    coalesce(document ->> '$.status.status_code', document ->> '$.status_code') as status,
    document ->> '$.start_time' as started,
    document ->> '$.end_time' as ended,
    cast(null as varchar) as unit,
    coalesce(
        document ->> '$.context.trace_state', document ->> '$."context.trace_state"', document ->> '$.trace_state'
    ) as trace_state,
    list_transform(json_extract(document, '$.links[*]'), lambda link: {
        'trace_id': coalesce(link ->> '$.context.trace_id', link ->> '$.trace_id'),
        'span_id': coalesce(link ->> '$.context.span_id', link ->> '$.span_id')
    }) as links,
    list_concat(
        case
            when json_type(document, '$.attributes') = 'VARCHAR' then pairs_of(attributes_object)
            else within(pairs, 'attributes.')
        end,
        [{ 'key': 'openinference.span.kind', 'value': nullif(document ->> '$.span_kind', 'UNKNOWN') }]
    ) as attributes,
    list_concat(within(pairs, 'resource.attributes.'), within(pairs, 'resource.')) as resource
from opened
where len(list_filter(json_keys(document), lambda name: starts_with(name, 'attributes'))) > 0
