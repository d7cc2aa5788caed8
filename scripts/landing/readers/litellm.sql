-- LiteLLM SpendLogs: a row is a request through the gateway, its own root. `request_id` is the provider's response id
-- where there was an answer. A hit of the gateway's own cache reached no provider. Reading, cancelling or deleting what is
-- stored there is no request, and repeats the tokens of the one that made it, except where the gateway's own poll of a
-- background response does, whose request had none. Files, threads and the gateway's health checks are none either.
with opened as (

    select
        *,
        json_of(document ->> '$.metadata') as metadata,
        json_of(document ->> '$.request_tags') as tags,
        lower(document ->> '$.call_type') as call_type,
        -- A row with tokens or a cost is a request, whatever it is called; a batch is one once it is done.
        coalesce(greatest(
            try_cast(document ->> '$.total_tokens' as double), try_cast(document ->> '$.prompt_tokens' as double),
            try_cast(document ->> '$.completion_tokens' as double), try_cast(document ->> '$.spend' as double)
        ), 0) > 0 as has_usage,
        case
            when 'litellm-internal-health-check' in (document ->> '$.api_key', document ->> '$.team_id', document ->> '$.user')
                or contains(call_type, 'health')
                then 'gateway_health_check'
            when contains(metadata ->> '$.internal_call_origin', 'cost_poll') then null
            when regexp_matches(call_type, '^a?(get|delete|cancel|list|update|retrieve|upload)_') and not contains(call_type, 'batch')
                or regexp_matches(call_type, '^a?(create_file$|file_)')
                or regexp_matches(
                    call_type,
                    '^a?(video|vector_store|container)_(file_)?(retrieve|list|content|delete|get|create_character|create|update)'
                )
                then 'gateway_housekeeping'
            when not has_usage and not regexp_matches(
                call_type,
                '^_?a?(completion|text_completion|embedding|responses|responses_websocket|realtime|anthropic_messages'
                || '|generate_content|generate_content_stream|rerank|image_generation|image_edit|image_variation'
                || '|transcription|speech|ocr|create_video|video_remix|video_edit|video_extension)$'
            )
                then 'gateway_housekeeping'
        end as other_operation
    from (
        -- Python's exports write None where there is nothing.
        select * replace (regexp_replace(cast(document as varchar), ':\s*"(None|NULL|null|nan)"', ':null', 'g') as document)
        from documents
    )

)

select
    file_no,
    source_line,
    'litellm' as format,
    'litellm:' || (document ->> '$.request_id') as trace_id,
    document ->> '$.request_id' as span_id,
    cast(null as varchar) as parent_span_id,
    'litellm ' || coalesce(call_type, 'request') as name,
    case when lower(coalesce(document ->> '$.status', metadata ->> '$.status')) in ('failure', 'failed', 'error') then 'ERROR' end
        as status,
    document ->> '$.startTime' as started,
    document ->> '$.endTime' as ended,
    cast(null as varchar) as unit,
    cast(null as struct(trace_id varchar, span_id varchar)[]) as links,
    list_concat(
        prefixed(pairs_of(metadata), 'litellm.metadata.'),
        prefixed(within(pairs_of(json_object('tags', tags)), 'tags.'), 'litellm.tags.'),
        [
            { 'key': 'gen_ai.operation.name', 'value': case
                when other_operation is not null then other_operation
                when lower(document ->> '$.cache_hit') = 'true' then 'gateway_cache_hit'
                when contains(call_type, 'embedding') then 'embeddings'
                when contains(call_type, 'rerank') then 'rerank'
                else 'chat'
            end },
            { 'key': 'gen_ai.response.id', 'value': document ->> '$.request_id' },
            { 'key': 'gen_ai.provider.name', 'value': document ->> '$.custom_llm_provider' },
            { 'key': 'gen_ai.response.model', 'value': document ->> '$.model' },
            { 'key': 'gen_ai.request.model', 'value': document ->> '$.model_group' },
            -- The gateway writes down a batch once it is done, with all that it used.
            { 'key': 'litellm.call_type.tier', 'value': case when contains(call_type, 'batch') then 'batch' end },
            { 'key': 'litellm.usage.input_tokens', 'value': document ->> '$.prompt_tokens' },
            { 'key': 'litellm.usage.output_tokens', 'value': document ->> '$.completion_tokens' },
            { 'key': 'litellm.usage.total_tokens', 'value': document ->> '$.total_tokens' },
            { 'key': 'litellm.spend', 'value': document ->> '$.spend' },
            { 'key': 'litellm.api_key', 'value': document ->> '$.api_key' },
            { 'key': 'litellm.team_id', 'value': document ->> '$.team_id' },
            { 'key': 'gen_ai.conversation.id', 'value': document ->> '$.session_id' },
            { 'key': 'gen_ai.agent.name', 'value': document ->> '$.agent_id' },
            { 'key': 'user.id', 'value': coalesce(nullif(document ->> '$.end_user', ''), nullif(document ->> '$.user', '')) },
            { 'key': 'tenant.id', 'value': document ->> '$.organization_id' },
            { 'key': 'server.address', 'value': regexp_extract(document ->> '$.api_base', '^(?:https?://)?([^/:]+)', 1) }
        ]
    ) as attributes,
    [{ 'key': 'service.name', 'value': 'litellm' }] as resource
from opened
