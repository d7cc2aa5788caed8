-- Weave calls (W&B). A call's summary adds up what the calls within it used, per model: what no library's own operation
-- states is a claim about the calls beneath it.
with calls as (

    select
        file_no,
        source_line,
        json_of(document ->> '$.attributes') as attributes,
        json_of(document ->> '$.inputs') as inputs,
        json_of(document ->> '$.output') as output,
        json_of(document ->> '$.summary') as summary,
        cast(document as json) as call
    from documents

),

priced as (

    select
        *,
        regexp_extract(call ->> '$.op_name', '([^/]*?)(:[^:/]*)?$', 1) as operation,
        json_keys(summary, '$.usage') as models
    from calls

),

summed as (

    select
        *,
        case when len(models) = 1 then json_extract(summary, '$.usage."' || models[1] || '"') end as usage,
        list_transform(models, lambda model: json_extract(summary, '$.usage."' || model || '"')) as usages
    from priced

)

select
    file_no,
    source_line,
    'weave' as format,
    call ->> '$.trace_id' as trace_id,
    call ->> '$.id' as span_id,
    call ->> '$.parent_id' as parent_span_id,
    coalesce(call ->> '$.display_name', operation) as name,
    case when call ->> '$.exception' <> '' then 'ERROR' end as status,
    call ->> '$.started_at' as started,
    call ->> '$.ended_at' as ended,
    cast(null as varchar) as unit,
    cast(null as struct(trace_id varchar, span_id varchar)[]) as links,
    list_concat(
        prefixed(pairs_of(attributes), 'weave.attributes.'),
        case
            when len(models) > 1 then [
                { 'key': 'weave.usage.input_tokens', 'value': cast(list_sum(list_transform(usages, lambda used: try_cast(
                    coalesce(used ->> '$.prompt_tokens', used ->> '$.input_tokens') as hugeint
                ))) as varchar) },
                { 'key': 'weave.usage.output_tokens', 'value': cast(list_sum(list_transform(usages, lambda used: try_cast(
                    coalesce(used ->> '$.completion_tokens', used ->> '$.output_tokens') as hugeint
                ))) as varchar) }
            ]
            else prefixed(pairs_of(usage), 'weave.usage.')
        end,
        [
            { 'key': 'gen_ai.operation.name', 'value': case
                when regexp_matches(operation, '(?i)embed') and regexp_matches(operation, '^[A-Za-z_]+\.') then 'embeddings'
                when json_exists(output, '$.usage') or json_exists(output, '$.usage_metadata') then 'chat'
                when regexp_matches(
                    operation, '^(openai|anthropic|litellm|groq|mistralai|mistral|cohere|cerebras|google|vertexai|bedrock)\.'
                ) then 'chat'
                else 'weave.op'
            end },
            { 'key': 'gen_ai.response.id', 'value': case when json_exists(output, '$.usage') then output ->> '$.id' end },
            { 'key': 'gen_ai.response.model', 'value': case when len(models) = 1 then models[1] end },
            { 'key': 'gen_ai.request.model', 'value': inputs ->> '$.model' },
            { 'key': 'openai.response.service_tier', 'value': output ->> '$.service_tier' },
            { 'key': 'weave.cost', 'value': case when len(models) = 1 then cast(
                try_cast(json_extract_string(summary, '$.weave.costs."' || models[1] || '".prompt_tokens_total_cost') as decimal(38, 18))
                + try_cast(json_extract_string(summary, '$.weave.costs."' || models[1] || '".completion_tokens_total_cost') as decimal(38, 18))
                as varchar
            ) end },
            { 'key': 'gen_ai.conversation.id', 'value': call ->> '$.thread_id' }
        ]
    ) as attributes,
    [{ 'key': 'service.name', 'value': call ->> '$.project_id' }] as resource
from summed
