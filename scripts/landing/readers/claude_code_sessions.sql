-- Claude Code's own record of a session (~/.claude/projects/<folder>/<session>.jsonl): a request for each answer, with the
-- API's usage. A line is written for each part of an answer, and again where a session was resumed: the lines of one
-- request are one span, of which the last stands. Texts and tool results are never asked for.
with answers as (

    select
        file_no,
        source_line,
        document ->> '$.requestId' as request_id,
        document ->> '$.message.id' as message_id,
        document ->> '$.message.model' as model,
        document ->> '$.timestamp' as answered_at,
        coalesce(text_of(document ->> '$.requestId'), document ->> '$.message.id', document ->> '$.uuid') as call_id,
        document ->> '$.sessionId' as session_id,
        document ->> '$.version' as version,
        document ->> '$.costUSD' as cost_usd,
        document -> '$.message.usage' as usage
    from documents
    where
        document ->> '$.type' = 'assistant'
        and json_type(document, '$.message.usage') = 'OBJECT'
        -- Claude Code writes its own error texts as answers of this model.
        and coalesce(document ->> '$.message.model', '') <> '<synthetic>'

)

select
    file_no,
    source_line,
    'claude_code_session' as format,
    'claude_code:' || call_id as trace_id,
    call_id as span_id,
    cast(null as varchar) as parent_span_id,
    'claude_code.llm_request' as name,
    cast(null as varchar) as status,
    answered_at as started,
    answered_at as ended,
    cast(null as varchar) as unit,
    cast(null as struct(trace_id varchar, span_id varchar)[]) as links,
    [
        { 'key': 'gen_ai.operation.name', 'value': 'chat' },
        { 'key': 'gen_ai.provider.name', 'value': claude_code_provider(model) },
        { 'key': 'gen_ai.request.model', 'value': model },
        -- Claude Code's log records and spans know the request's id alone; a gateway knows the message's.
        { 'key': 'gen_ai.response.id', 'value': coalesce(text_of(request_id), message_id) },
        { 'key': 'request.id', 'value': request_id },
        { 'key': 'gen_ai.conversation.id', 'value': session_id },
        { 'key': 'claude_code.input_tokens', 'value': usage ->> '$.input_tokens' },
        { 'key': 'claude_code.output_tokens', 'value': usage ->> '$.output_tokens' },
        { 'key': 'claude_code.cache_read_tokens', 'value': usage ->> '$.cache_read_input_tokens' },
        { 'key': 'claude_code.cache_creation_tokens', 'value': usage ->> '$.cache_creation_input_tokens' },
        {
            'key': 'claude_code.cache_creation_5m_tokens',
            'value': usage ->> '$.cache_creation.ephemeral_5m_input_tokens'
        },
        {
            'key': 'claude_code.cache_creation_1h_tokens',
            'value': usage ->> '$.cache_creation.ephemeral_1h_input_tokens'
        },
        { 'key': 'claude_code.web_search_requests', 'value': usage ->> '$.server_tool_use.web_search_requests' },
        { 'key': 'claude_code.service_tier', 'value': usage ->> '$.service_tier' },
        { 'key': 'claude_code.speed', 'value': usage ->> '$.speed' },
        { 'key': 'claude_code.inference_geo', 'value': nullif(usage ->> '$.inference_geo', 'not_available') },
        { 'key': 'claude_code.cost_usd', 'value': cost_usd }
    ] as attributes,
    [
        { 'key': 'service.name', 'value': 'claude-code' },
        { 'key': 'otel.scope.name', 'value': 'claude_code.session' },
        { 'key': 'otel.scope.version', 'value': version }
    ] as resource
from answers
