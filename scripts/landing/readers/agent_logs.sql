-- Requests that coding agents and GenAI instrumentations report as OTLP log records. Each becomes a span: beneath the
-- span that the record belongs to, or a root of its own. Prompts and answers in bodies and attributes never land.
-- Records that state tokens and are no known event are refused by name (format `refused`).
with resources as (

    select
        file_no,
        source_line,
        unnest(json_transform(document, '{"resourceLogs": [{
            "resource": {"attributes": [{attribute}]}, "scopeLogs": [{
                "scope": {"name": "VARCHAR", "version": "VARCHAR"}, "logRecords": [{
                    "timeUnixNano": "VARCHAR", "observedTimeUnixNano": "VARCHAR", "eventName": "VARCHAR",
                    "traceId": "VARCHAR", "spanId": "VARCHAR", "body": {"stringValue": "VARCHAR"},
                    "attributes": [{attribute}]
                }]
            }]
        }]}').resourceLogs) as resource_logs
    from documents

),

scopes as (

    select
        file_no,
        source_line,
        otlp_names(resource_logs.resource.attributes) as resource_names,
        otlp_texts(resource_logs.resource.attributes) as resource_texts,
        unnest(resource_logs.scopeLogs) as scope_logs
    from resources

),

records as (

    select
        file_no,
        source_line,
        resource_names,
        resource_texts,
        scope_logs.scope as scope,
        unnest(scope_logs.logRecords) as record
    from scopes

),

named as (

    select
        * exclude (record),
        text_of(record.traceId) as trace_id,
        text_of(record.spanId) as span_id,
        otlp_names(record.attributes) as names,
        otlp_texts(record.attributes) as texts,
        text_at(resource_names, resource_texts, 'service.name') as service_name,
        coalesce(
            nullif(record.timeUnixNano, '0'), nullif(record.observedTimeUnixNano, '0'),
            text_at(names, texts, 'event.timestamp')
        ) as ended,
        -- SDKs put an event's name into a field, an attribute or the body.
        [
            record.eventName, text_at(names, texts, 'event.name'), left(record.body.stringValue, 100)
        ] as event_names
    from records

),

recognised as (

    select
        *,
        -- A body may be any text, which never lands.
        coalesce(nullif(event_names[1], ''), event_names[2]) as event_name,
        case
            when
                list_contains(event_names, 'claude_code.api_request')
                or (
                    list_contains(event_names, 'api_request')
                    and (service_name = 'claude-code' or starts_with(scope.name, 'com.anthropic.claude_code'))
                )
                then 'claude_code'
            when
                list_contains(event_names, 'codex.sse_event') and is_codex_answer('codex.sse_event', names, texts)
                then 'codex'
            when list_contains(event_names, 'gemini_cli.api_response') then 'gemini_cli'
            when list_contains(event_names, 'gen_ai.client.inference.operation.details') then 'gen_ai'
        end as reporter
    from named

),

-- Gemini CLI reports each request twice: with all its counts, and as the GenAI event, which knows the response id.
with_request as (

    select
        *,
        case when reporter = 'gemini_cli' or service_name = 'gemini-cli' then concat_ws(
            ':', text_at(names, texts, 'session.id'), text_at(names, texts, 'event.timestamp'),
            coalesce(
                text_at(names, texts, 'model'), text_at(names, texts, 'gen_ai.response.model'),
                text_at(names, texts, 'gen_ai.request.model')
            )
        ) end as gemini_request
    from recognised
    -- An event without counts is no request that was answered: an error, or a note before the answer.
    where reporter is not null and len(token_texts(names, texts)) > 0

),

requests as (

    select
        *,
        case when gemini_request is not null
            then max(text_at(names, texts, 'gen_ai.response.id')) over (partition by file_no, gemini_request)
        end as gemini_response_id
    from with_request
    qualify
        reporter = 'gemini_cli' or gemini_request is null
        or not bool_or(reporter = 'gemini_cli') over (partition by file_no, gemini_request)

),

described as (

    select
        *,
        case
            when reporter = 'claude_code' then claude_code_pairs(names, texts, resource_names, resource_texts)
            when reporter = 'codex' then codex_pairs(names, texts, 'chat')
            when reporter = 'gemini_cli' then [
                { 'key': 'gen_ai.operation.name', 'value': 'generate_content' },
                {
                    'key': 'gen_ai.provider.name',
                    'value': case
                        when text_at(names, texts, 'auth_type') = 'vertex-ai' then 'gcp.vertex_ai' else 'gcp.gemini'
                    end
                },
                { 'key': 'gen_ai.request.model', 'value': text_at(names, texts, 'model') },
                { 'key': 'gen_ai.response.id', 'value': gemini_response_id },
                { 'key': 'gen_ai.conversation.id', 'value': text_at(names, texts, 'session.id') },
                -- As Gemini counts: cached tokens within the prompt, thoughts and tool-use prompts beside it all.
                { 'key': 'gemini.usage.prompt_token_count', 'value': text_at(names, texts, 'input_token_count') },
                {
                    'key': 'gemini.usage.cached_content_token_count',
                    'value': text_at(names, texts, 'cached_content_token_count')
                },
                { 'key': 'gemini.usage.candidates_token_count', 'value': text_at(names, texts, 'output_token_count') },
                { 'key': 'gemini.usage.thoughts_token_count', 'value': text_at(names, texts, 'thoughts_token_count') },
                {
                    'key': 'gemini.usage.tool_use_prompt_token_count',
                    'value': text_at(names, texts, 'tool_token_count')
                },
                -- The CLI writes 0 where Gemini stated no total.
                {
                    'key': 'gemini.usage.total_token_count',
                    'value': nullif(text_at(names, texts, 'total_token_count'), '0')
                }
            ]
            -- Fewer attributes than the full report of the same request, which stands wherever both have landed.
            when gemini_request is not null then [
                { 'key': 'gen_ai.operation.name', 'value': 'generate_content' },
                { 'key': 'gen_ai.provider.name', 'value': text_at(names, texts, 'gen_ai.provider.name') },
                { 'key': 'gen_ai.request.model', 'value': text_at(names, texts, 'gen_ai.request.model') },
                { 'key': 'gen_ai.response.id', 'value': gemini_response_id },
                { 'key': 'gen_ai.conversation.id', 'value': text_at(names, texts, 'session.id') },
                { 'key': 'gen_ai.usage.input_tokens', 'value': text_at(names, texts, 'gen_ai.usage.input_tokens') },
                { 'key': 'gen_ai.usage.output_tokens', 'value': text_at(names, texts, 'gen_ai.usage.output_tokens') }
            ]
            else []
        end as own_pairs,
        case
            when reporter = 'claude_code' or (reporter = 'gen_ai' and gemini_request is null) then []
            else agent_pairs(names, texts, resource_names, resource_texts)
        end as label_pairs,
        -- Ids are made of what a record says: the same record sent again is the same span.
        case
            when gemini_request is not null then md5('gemini_cli:' || gemini_request)
            else md5(concat_ws(
                ':', reporter, trace_id, span_id, ended, text_at(names, texts, 'event.timestamp'),
                text_at(names, texts, 'event.sequence'), text_at(names, texts, 'session.id'),
                text_at(names, texts, 'conversation.id'), text_at(names, texts, 'request_id'),
                text_at(names, texts, 'gen_ai.response.id'), text_at(names, texts, 'model'),
                array_to_string(token_texts(names, texts), ':')
            ))
        end as record_id
    from requests

)

select
    file_no,
    source_line,
    'otlp_logs' as format,
    coalesce(trace_id, record_id) as trace_id,
    substr(record_id, 1, 16) as span_id,
    span_id as parent_span_id,
    case reporter
        when 'claude_code' then 'claude_code.api_request'
        when 'codex' then 'codex.sse_event'
        when 'gemini_cli' then 'gemini_cli.api_response'
        else 'gen_ai.client.inference.operation.details'
    end as name,
    cast(null as varchar) as status,
    -- Agents log a request when it has ended.
    coalesce(
        cast(
            try_cast(ended as bigint)
            - cast(greatest(try_cast(text_at(names, texts, 'duration_ms') as double), 0) * 1000000 as bigint) as varchar
        ),
        ended
    ) as started,
    ended,
    case when try_cast(ended as bigint) is not null then 'ns' end as unit,
    cast(null as struct(trace_id varchar, span_id varchar)[]) as links,
    list_concat(
        case
            when reporter = 'gen_ai' and gemini_request is not null then []
            when reporter = 'claude_code' then claude_code_names(names)
            when reporter = 'gen_ai' then names
            else agent_names(names)
        end,
        list_transform(list_concat(own_pairs, label_pairs), lambda pair: pair.key)
    ) as names,
    list_concat(
        case when reporter = 'gen_ai' and gemini_request is not null then [] else texts end,
        list_transform(list_concat(own_pairs, label_pairs), lambda pair: pair.value)
    ) as texts,
    list_concat(resource_names, ['otel.scope.name', 'otel.scope.version']) as resource_names,
    list_concat(resource_texts, [scope.name, scope.version]) as resource_texts
from described

union all by name

select
    file_no,
    source_line,
    'refused' as format,
    count(*) || ' OTLP log records ''' || left(coalesce(event_name, 'without an event name'), 60)
    || ''' state tokens and are no event that is read as a call; export that service''s spans, or its events '
    || 'gen_ai.client.inference.operation.details' as name
from recognised
where
    reporter is null and states_tokens(names, texts)
    and coalesce(event_name, '') <> 'gen_ai.evaluation.result'
    -- Other events of the same agents sum up, or announce, what their requests report. Codex counts tokens in its
    -- answers alone, and in what a turn of them cost.
    and not regexp_matches(coalesce(event_name, ''), '^((claude_code|gemini_cli)[.]|codex[.]turn_cost$)')
    and not coalesce(service_name = 'claude-code' or starts_with(scope.name, 'com.anthropic.claude_code'), false)
group by file_no, source_line, event_name
