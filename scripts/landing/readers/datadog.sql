-- Datadog LLM Observability: pages of its Export API (the span under `attributes`), and spans as its SDKs send them.
-- `input_tokens` holds the cached ones; where a writer left them out, `non_cached_input_tokens` says so.
with spans as (

    select
        file_no,
        source_line,
        unnest(case
            when json_type(document, '$.data') = 'ARRAY' then json_extract(document, '$.data[*].attributes')
            when json_exists(document, '$.data.attributes.spans') then json_extract(document, '$.data.attributes.spans[*]')
            when json_type(document, '$.spans') = 'ARRAY' then json_extract(document, '$.spans[*]')
            when json_type(document, '$.attributes') = 'OBJECT' then [document -> '$.attributes']
            else [cast(document as json)]
        end) as span
    from documents

),

opened as (

    select
        *,
        lower(coalesce(
            span ->> '$.span_kind', span ->> '$.meta.kind', span ->> '$.meta."span.kind"', span ->> '$.meta.span.kind'
        )) as kind,
        coalesce(span ->> '$.start_ns', span ->> '$.start') as started,
        try_cast(span ->> '$.metrics.input_tokens' as double) as input_tokens,
        try_cast(span ->> '$.metrics.non_cached_input_tokens' as double) as fresh_tokens,
        coalesce(try_cast(span ->> '$.metrics.cache_read_input_tokens' as double), 0)
        + coalesce(try_cast(span ->> '$.metrics.cache_write_input_tokens' as double), 0) as cached_tokens,
        within(pairs_of(json_object('tags', span -> '$.tags')), 'tags.') as tags
    from spans

)

select
    file_no,
    source_line,
    'datadog' as format,
    span ->> '$.trace_id' as trace_id,
    span ->> '$.span_id' as span_id,
    nullif(span ->> '$.parent_id', 'undefined') as parent_span_id,
    span ->> '$.name' as name,
    case when span ->> '$.status' = 'error' or span ->> '$.error' in ('1', 'true') then 'ERROR' end as status,
    started,
    cast(try_cast(
        try_cast(started as decimal(38, 0)) + try_cast(span ->> '$.duration' as decimal(38, 0)) as bigint
    ) as varchar) as ended,
    case when try_cast(started as decimal(38, 0)) is not null then 'ns' end as unit,
    list_transform(json_extract(span, '$.span_links[*]'), lambda link: {
        'trace_id': link ->> '$.trace_id', 'span_id': link ->> '$.span_id'
    }) as links,
    list_concat(
        prefixed(tags, 'tags.'),
        prefixed(pairs_of(coalesce(span -> '$.meta.metadata', span -> '$.metadata')), 'metadata.'),
        -- Rates of samplers stand among the metrics; that of LLM Observability itself in an object of the SDK's own.
        list_filter(pairs_of(span -> '$.metrics'), lambda metric: starts_with(metric.key, '_')),
        [{ 'key': '_dd.llmobs.sample_rate', 'value': span ->> '$._dd.sample_rate' }],
        [
            { 'key': 'gen_ai.operation.name', 'value': case kind
                when 'llm' then 'chat'
                when 'embedding' then 'embeddings'
                when 'agent' then 'invoke_agent'
                when 'workflow' then 'invoke_workflow'
                when 'tool' then 'execute_tool'
                else kind
            end },
            { 'key': 'gen_ai.response.model', 'value': coalesce(
                span ->> '$.model_name', span ->> '$.meta.model_name', span ->> '$.meta.metadata.model_name'
            ) },
            { 'key': 'gen_ai.provider.name', 'value': coalesce(
                span ->> '$.model_provider', span ->> '$.meta.model_provider', span ->> '$.meta.metadata.model_provider'
            ) },
            { 'key': 'gen_ai.usage.input_tokens', 'value': case
                when fresh_tokens is not null and coalesce(input_tokens, fresh_tokens) = fresh_tokens
                    then cast(cast(fresh_tokens + cached_tokens as bigint) as varchar)
                else span ->> '$.metrics.input_tokens'
            end },
            { 'key': 'gen_ai.usage.cache_read.input_tokens', 'value': span ->> '$.metrics.cache_read_input_tokens' },
            { 'key': 'gen_ai.usage.cache_write.input_tokens', 'value': span ->> '$.metrics.cache_write_input_tokens' },
            { 'key': 'gen_ai.usage.output_tokens', 'value': span ->> '$.metrics.output_tokens' },
            { 'key': 'gen_ai.usage.reasoning.output_tokens', 'value': span ->> '$.metrics.reasoning_output_tokens' },
            { 'key': 'gen_ai.usage.total_tokens', 'value': span ->> '$.metrics.total_tokens' },
            { 'key': 'gen_ai.conversation.id', 'value': span ->> '$.session_id' },
            { 'key': 'user.id', 'value': list_filter(tags, lambda tag: tag.key = 'user_id')[1].value },
            { 'key': 'gen_ai.agent.name', 'value': case when kind = 'agent' then span ->> '$.name' end },
            { 'key': 'gen_ai.tool.name', 'value': case when kind = 'tool' then span ->> '$.name' end },
            { 'key': 'gen_ai.prompt.name', 'value': coalesce(
                span ->> '$.meta.input.prompt.id', span ->> '$.input.prompt.id', span ->> '$.meta.input.prompt.name'
            ) },
            { 'key': 'gen_ai.prompt.version', 'value': coalesce(
                span ->> '$.meta.input.prompt.version', span ->> '$.input.prompt.version'
            ) }
        ]
    ) as attributes,
    [
        { 'key': 'service.name', 'value': coalesce(
            nullif(span ->> '$.service', ''), list_filter(tags, lambda tag: tag.key = 'service')[1].value,
            span ->> '$.ml_app', list_filter(tags, lambda tag: tag.key = 'ml_app')[1].value
        ) },
        { 'key': 'deployment.environment', 'value': list_filter(tags, lambda tag: tag.key = 'env')[1].value }
    ] as resource
from opened
