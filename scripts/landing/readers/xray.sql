-- AWS X-Ray: traces of BatchGetTraces (segments as JSON text), or segment documents. Subsegments nest to any depth.
-- The Collector's exporter keeps attributes in `metadata`, and those it indexes in `annotations`, some with low lines
-- for dots.
with documents_held as (

    select
        file_no,
        source_line,
        unnest(case
            when json_exists(document, '$.Traces') then json_extract_string(document, '$.Traces[*].Segments[*].Document')
            when json_exists(document, '$.Segments') then json_extract_string(document, '$.Segments[*].Document')
            when json_exists(document, '$.Document') then [document ->> '$.Document']
            else [cast(document as varchar)]
        end) as held
    from documents

),

segments as (

    select
        file_no,
        source_line,
        json_of(held) as segment,
        row_number() over () as segment_no
    from documents_held
    where json_exists(json_of(held), '$.id')

),

spans as (

    select
        segments.file_no,
        segments.source_line,
        segments.segment,
        segments.segment_no,
        parts.fullkey as place,
        parts.value as span
    from segments, json_tree(segments.segment) as parts
    where parts.type = 'OBJECT' and regexp_full_match(parts.fullkey, '\$(\.subsegments\[\d+\])*')

),

opened as (

    select
        spans.*,
        coalesce(spans.span ->> '$.parent_id', above.span ->> '$.id') as parent_span_id,
        list_concat(
            list_transform(pairs_of(spans.span -> '$.metadata'), lambda pair: {
                'key': regexp_replace(pair.key, '^[^.]+\.', ''), 'value': pair.value
            }),
            list_transform(pairs_of(spans.span -> '$.annotations'), lambda pair: {
                'key': dotted_annotation(pair.key), 'value': pair.value
            })
        ) as attributes
    from spans
    left join spans as above
        on
            spans.segment_no = above.segment_no
            and above.place = regexp_replace(spans.place, '\.subsegments\[\d+\]$', '')
            and above.place <> spans.place

)

select
    file_no,
    source_line,
    'xray' as format,
    -- 1-<8 digits>-<24 digits> is the same id as OpenTelemetry's 32 digits.
    case
        when regexp_full_match(segment ->> '$.trace_id', '1-[0-9a-fA-F]{8}-[0-9a-fA-F]{24}')
            then replace(substr(segment ->> '$.trace_id', 3), '-', '')
        else segment ->> '$.trace_id'
    end as trace_id,
    span ->> '$.id' as span_id,
    parent_span_id,
    span ->> '$.name' as name,
    case
        when 'true' in (
            coalesce(span ->> '$.error', ''), coalesce(span ->> '$.fault', ''), coalesce(span ->> '$.throttle', '')
        ) then 'ERROR'
    end as status,
    span ->> '$.start_time' as started,
    span ->> '$.end_time' as ended,
    's' as unit,
    list_transform(json_extract(span, '$.links[*]'), lambda link: {
        'trace_id': replace(substr(link ->> '$.trace_id', 3), '-', ''), 'span_id': link ->> '$.id'
    }) as links,
    attributes,
    list_concat(
        within(attributes, 'otel.resource.'),
        [{ 'key': 'service.name', 'value': coalesce(
            list_filter(attributes, lambda pair: pair.key = 'otel.resource.service.name')[1].value, segment ->> '$.name'
        ) }]
    ) as resource
from opened
