-- LangSmith runs: a run a record (SDK, bulk export), or pages of the API (`runs`). Runs above a call carry its sum.
with runs as (

    select
        file_no,
        source_line,
        unnest(case
            when json_type(document, '$.runs') = 'ARRAY' then json_extract(document, '$.runs[*]')
            else [cast(document as json)]
        end) as run
    from documents

),

-- Bulk exports write objects as JSON texts.
opened as (

    select
        *,
        lower(run ->> '$.run_type') as run_type,
        json_of(run ->> '$.extra') as extra,
        json_of(run ->> '$.outputs') as outputs,
        json_of(run ->> '$.tags') as tags,
        json_of(run ->> '$.prompt_token_details') as input_details,
        json_of(run ->> '$.completion_token_details') as output_details
    from runs

),

answered as (

    select
        *,
        coalesce(extra -> '$.metadata', json_of(run ->> '$.metadata')) as metadata,
        outputs -> '$.llm_output' as llm_output,
        coalesce(
            outputs -> '$.generations[0][0].message.kwargs', outputs -> '$.generations[0].message.kwargs',
            outputs -> '$.message.kwargs', outputs -> '$.output.kwargs'
        ) as message,
        coalesce(outputs -> '$.generations[0][0].generation_info', outputs -> '$.generations[0].generation_info') as generation
    from opened

),

used as (

    select
        *,
        coalesce(
            outputs -> '$.usage_metadata', message -> '$.usage_metadata', metadata -> '$.usage_metadata'
        ) as usage,
        coalesce(outputs -> '$.usage', llm_output -> '$.token_usage', llm_output -> '$.usage') as provider_usage
    from answered

),

detailed as (

    select
        *,
        coalesce(input_details, usage -> '$.input_token_details') as input_parts,
        coalesce(output_details, usage -> '$.output_token_details') as output_parts
    from used

)

select
    file_no,
    source_line,
    'langsmith' as format,
    coalesce(run ->> '$.trace_id', run ->> '$.id') as trace_id,
    run ->> '$.id' as span_id,
    coalesce(
        run ->> '$.parent_run_id',
        -- <time>Z<id of the root>. ... .<time>Z<id of the parent>.<time>Z<id>
        nullif(regexp_extract(run ->> '$.dotted_order', '([0-9a-fA-F]{8}-[0-9a-fA-F-]{27})\.[^.]*$', 1), '')
    ) as parent_span_id,
    run ->> '$.name' as name,
    case when run ->> '$.error' <> '' or run ->> '$.status' = 'error' then 'ERROR' end as status,
    run ->> '$.start_time' as started,
    run ->> '$.end_time' as ended,
    cast(null as varchar) as unit,
    cast(null as struct(trace_id varchar, span_id varchar)[]) as links,
    list_concat(
        prefixed(pairs_of(metadata), 'langsmith.metadata.'),
        prefixed(within(pairs_of(json_object('tags', tags)), 'tags.'), 'langsmith.span.tags.'),
        [
            { 'key': 'gen_ai.operation.name', 'value': case run_type
                when 'llm' then 'chat'
                when 'embedding' then 'embeddings'
                when 'tool' then 'execute_tool'
                else run_type
            end },
            { 'key': 'gen_ai.response.id', 'value': coalesce(
                message ->> '$.response_metadata.id',
                llm_output ->> '$.id',
                case when json_exists(outputs, '$.usage') then outputs ->> '$.id' end,
                -- LangChain gives messages an id of its own where the provider gave none.
                case when not regexp_matches(message ->> '$.id', '^(lc_)?run-') then message ->> '$.id' end
            ) },
            { 'key': 'gen_ai.response.model', 'value': coalesce(
                message ->> '$.response_metadata.model_name',
                message ->> '$.response_metadata.model',
                generation ->> '$.model_name',
                llm_output ->> '$.model_name',
                llm_output ->> '$.model',
                case when json_exists(outputs, '$.usage') then outputs ->> '$.model' end
            ) },
            { 'key': 'gen_ai.request.model', 'value': coalesce(
                metadata ->> '$.ls_model_name',
                extra ->> '$.invocation_params.model',
                extra ->> '$.invocation_params.model_name'
            ) },
            { 'key': 'langsmith.usage.input_tokens', 'value': coalesce(
                usage ->> '$.input_tokens', nullif(run ->> '$.prompt_tokens', '0'), provider_usage ->> '$.prompt_tokens'
            ) },
            { 'key': 'langsmith.usage.output_tokens', 'value': coalesce(
                usage ->> '$.output_tokens', nullif(run ->> '$.completion_tokens', '0'),
                provider_usage ->> '$.completion_tokens'
            ) },
            { 'key': 'langsmith.usage.total_tokens', 'value': coalesce(
                usage ->> '$.total_tokens', nullif(run ->> '$.total_tokens', '0'), provider_usage ->> '$.total_tokens'
            ) },
            { 'key': 'langsmith.usage.cache_read', 'value': coalesce(
                input_parts ->> '$.cache_read', input_parts ->> '$.priority_cache_read', input_parts ->> '$.flex_cache_read',
                provider_usage ->> '$.prompt_tokens_details.cached_tokens'
            ) },
            { 'key': 'langsmith.usage.cache_creation', 'value': input_parts ->> '$.cache_creation' },
            { 'key': 'langsmith.usage.ephemeral_5m_input_tokens', 'value': input_parts ->> '$.ephemeral_5m_input_tokens' },
            { 'key': 'langsmith.usage.ephemeral_1h_input_tokens', 'value': input_parts ->> '$.ephemeral_1h_input_tokens' },
            { 'key': 'langsmith.usage.input_audio', 'value': input_parts ->> '$.audio' },
            { 'key': 'langsmith.usage.output_audio', 'value': output_parts ->> '$.audio' },
            { 'key': 'langsmith.usage.reasoning', 'value': coalesce(
                output_parts ->> '$.reasoning', output_parts ->> '$.priority_reasoning', output_parts ->> '$.flex_reasoning',
                provider_usage ->> '$.completion_tokens_details.reasoning_tokens'
            ) },
            { 'key': 'langsmith.service_tier', 'value': coalesce(
                message ->> '$.response_metadata.service_tier',
                llm_output ->> '$.service_tier',
                outputs ->> '$.service_tier',
                case when json_exists(input_parts, '$.flex') then 'flex' when json_exists(input_parts, '$.priority') then 'priority' end,
                extra ->> '$.invocation_params.service_tier'
            ) },
            -- Costs of runs above a call are sums too.
            { 'key': 'langsmith.total_cost', 'value': case
                when run_type in ('llm', 'embedding') then nullif(run ->> '$.total_cost', '0')
            end }
        ]
    ) as attributes,
    [{ 'key': 'service.name', 'value': run ->> '$.session_name' }] as resource
from detailed
