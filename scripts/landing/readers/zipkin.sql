-- Zipkin v2 JSON: times in microseconds, tags of text. The two halves of an RPC may share one id: the server's becomes
-- a span of its own below the client's, and what the server's service reported below that id hangs on the server's.
with spans as (

    select
        file_no,
        source_line,
        cast(document as json) as span,
        document ->> '$.traceId' as trace_id,
        document ->> '$.id' as span_id,
        document ->> '$.parentId' as parent_span_id,
        coalesce(document ->> '$.localEndpoint.serviceName', '') as service_name,
        coalesce(document ->> '$.kind', '') as kind,
        coalesce(document ->> '$.shared', '') = 'true' as is_shared
    from documents
    where
        json_exists(document, '$.traceId')
        and json_exists(document, '$.id')
        and (json_exists(document, '$.tags') or json_exists(document, '$.timestamp'))

),

halves as (

    select
        *,
        count(*) filter (where kind = 'CLIENT') over same_id > 0 as has_client,
        kind = 'SERVER' and (is_shared or count(*) filter (where kind = 'CLIENT') over same_id > 0) as is_server_half
    from spans
    window same_id as (partition by file_no, trace_id, span_id)

),

server_halves as (

    select
        file_no,
        trace_id,
        span_id,
        bool_or(has_client) as has_client,
        list(service_name) as services
    from halves
    where is_server_half
    group by file_no, trace_id, span_id

)

select
    halves.file_no,
    halves.source_line,
    'zipkin' as format,
    halves.trace_id,
    halves.span_id || case when halves.is_server_half then '-server' else '' end as span_id,
    case
        when halves.is_server_half and halves.has_client then halves.span_id
        when list_contains(server_halves.services, halves.service_name) or not server_halves.has_client
            then halves.parent_span_id || '-server'
        else halves.parent_span_id
    end as parent_span_id,
    halves.span ->> '$.name' as name,
    case
        when json_exists(halves.span, '$.tags.error') then 'ERROR' else halves.span ->> '$.tags."otel.status_code"'
    end as status,
    halves.span ->> '$.timestamp' as started,
    cast(
        try_cast(halves.span ->> '$.timestamp' as bigint) + coalesce(try_cast(halves.span ->> '$.duration' as bigint), 0)
        as varchar
    ) as ended,
    'us' as unit,
    cast(null as struct(trace_id varchar, span_id varchar)[]) as links,
    zipkin_events(halves.span -> '$.annotations') as events,
    pairs_of(halves.span -> '$.tags') as attributes,
    [
        { 'key': 'service.name', 'value': nullif(halves.service_name, '') },
        { 'key': 'deployment.environment.name', 'value': coalesce(
            halves.span ->> '$.tags."deployment.environment.name"', halves.span ->> '$.tags."deployment.environment"'
        ) },
        { 'key': 'otel.scope.name', 'value': coalesce(
            halves.span ->> '$.tags."otel.scope.name"', halves.span ->> '$.tags."otel.library.name"'
        ) },
        { 'key': 'otel.scope.version', 'value': coalesce(
            halves.span ->> '$.tags."otel.scope.version"', halves.span ->> '$.tags."otel.library.version"'
        ) }
    ] as resource
from halves
left join server_halves
    on
        halves.file_no = server_halves.file_no
        and halves.trace_id = server_halves.trace_id
        and halves.parent_span_id = server_halves.span_id
