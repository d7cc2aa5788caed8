-- Spans of CloudWatch's log group aws/spans (Transaction Search, Bedrock AgentCore): OTLP's names, attributes as plain
-- objects. A line each, or as the message of what CloudWatch Logs exports.
with messages as (

    select
        file_no,
        source_line,
        unnest(case
            when json_exists(document, '$.logEvents') then json_extract_string(document, '$.logEvents[*].message')
            when json_exists(document, '$.events') then json_extract_string(document, '$.events[*].message')
            when json_exists(document, '$.results') then list_transform(
                json_extract(document, '$.results[*]'),
                lambda row: list_filter(
                    json_transform(row, '[{"field": "VARCHAR", "value": "VARCHAR"}]'),
                    lambda cell: cell.field = '@message'
                )[1].value
            )
            when json_exists(document, '$."@message"') then [document ->> '$."@message"']
            else [cast(document as varchar)]
        end) as held
    from documents

),

opened as (

    select
        file_no,
        source_line,
        json_of(held) as span,
        pairs_of(json_of(held)) as pairs
    from messages

)

select
    file_no,
    source_line,
    'cloudwatch' as format,
    span ->> '$.traceId' as trace_id,
    span ->> '$.spanId' as span_id,
    span ->> '$.parentSpanId' as parent_span_id,
    span ->> '$.name' as name,
    coalesce(span ->> '$.status.code', span ->> '$."status.code"') as status,
    span ->> '$.startTimeUnixNano' as started,
    coalesce(
        span ->> '$.endTimeUnixNano',
        cast(
            try_cast(span ->> '$.startTimeUnixNano' as bigint) + try_cast(span ->> '$.durationNano' as bigint) as varchar
        )
    ) as ended,
    'ns' as unit,
    span ->> '$.traceState' as trace_state,
    list_transform(json_extract(span, '$.links[*]'), lambda link: {
        'trace_id': link ->> '$.traceId', 'span_id': link ->> '$.spanId'
    }) as links,
    case
        when json_type(span, '$.attributes') = 'VARCHAR' then pairs_of(json_of(span ->> '$.attributes'))
        else within(pairs, 'attributes.')
    end as attributes,
    list_concat(
        within(pairs, 'resource.attributes.'),
        [
            { 'key': 'otel.scope.name', 'value': coalesce(span ->> '$.scope.name', span ->> '$."scope.name"') },
            { 'key': 'otel.scope.version', 'value': coalesce(span ->> '$.scope.version', span ->> '$."scope.version"') }
        ]
    ) as resource
from opened
where json_exists(span, '$.spanId') and json_exists(span, '$.startTimeUnixNano')
