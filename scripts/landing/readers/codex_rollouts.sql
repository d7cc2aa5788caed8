-- Codex's own record of a session (~/.codex/sessions/.../rollout-*.jsonl), of which the cutter hands on a record for each
-- answer: its tokens, the model of its turn, the session. Counts as the Responses API states them.
select
    file_no,
    source_line,
    'codex_rollout' as format,
    'codex:' || (document ->> '$.record_id') as trace_id,
    document ->> '$.record_id' as span_id,
    cast(null as varchar) as parent_span_id,
    'codex.token_count' as name,
    cast(null as varchar) as status,
    document ->> '$.timestamp' as started,
    document ->> '$.timestamp' as ended,
    cast(null as varchar) as unit,
    cast(null as struct(trace_id varchar, span_id varchar)[]) as links,
    [
        { 'key': 'gen_ai.operation.name', 'value': 'chat' },
        { 'key': 'gen_ai.provider.name', 'value': coalesce(document ->> '$.provider', 'openai') },
        { 'key': 'gen_ai.request.model', 'value': document ->> '$.model' },
        { 'key': 'gen_ai.conversation.id', 'value': document ->> '$.session_id' },
        { 'key': 'gen_ai.usage.input_tokens', 'value': document ->> '$.usage.input_tokens' },
        { 'key': 'gen_ai.usage.cache_read.input_tokens', 'value': document ->> '$.usage.cached_input_tokens' },
        { 'key': 'gen_ai.usage.output_tokens', 'value': document ->> '$.usage.output_tokens' },
        { 'key': 'gen_ai.usage.reasoning.output_tokens', 'value': document ->> '$.usage.reasoning_output_tokens' }
    ] as attributes,
    [
        { 'key': 'service.name', 'value': coalesce(document ->> '$.service', 'codex_cli_rs') },
        { 'key': 'otel.scope.name', 'value': 'codex.rollout' },
        { 'key': 'otel.scope.version', 'value': document ->> '$.version' }
    ] as resource
from documents
