-- Events `gen_ai.evaluation.result` as log records, in OTLP JSON; of other records, and of the text they carry, nothing.
with resources as (

    select
        file_no,
        source_line,
        unnest(json_transform(document, '{"resourceLogs": [{
            "resource": {"attributes": [{attribute}]}, "scopeLogs": [{"logRecords": [{
                "timeUnixNano": "VARCHAR", "observedTimeUnixNano": "VARCHAR", "eventName": "VARCHAR",
                "traceId": "VARCHAR", "spanId": "VARCHAR", "attributes": [{attribute}]
            }]}]
        }]}').resourceLogs) as held
    from documents

),

scopes as (

    select
        file_no,
        source_line,
        otlp_pairs(held.resource.attributes) as resource,
        unnest(held.scopeLogs) as scope
    from resources

),

records as (

    select
        file_no,
        source_line,
        resource,
        unnest(scope.logRecords) as record
    from scopes

),

told as (

    select
        file_no,
        source_line,
        record.traceId as trace_id,
        record.spanId as span_id,
        coalesce(nullif(record.timeUnixNano, '0'), record.observedTimeUnixNano) as stated_time,
        otlp_pairs(record.attributes) as pairs,
        resource as around,
        record.eventName as event_name
    from records
    where
        record.eventName = 'gen_ai.evaluation.result'
        or value_in(otlp_pairs(record.attributes), 'event.name') = 'gen_ai.evaluation.result'

)

