-- Traces of the OpenAI Agents SDK: `trace` and `trace.span` objects, alone, in batches (`data`), or spans within traces.
-- A response span may state nothing but the id of its answer: a bill that lists calls prices it.
with objects as (

    select
        file_no,
        source_line,
        unnest(case
            when json_type(document, '$.data') = 'ARRAY' then json_extract(document, '$.data[*]')
            when json_type(document, '$.traces') = 'ARRAY' then json_extract(document, '$.traces[*]')
            else [cast(document as json)]
        end) as object
    from documents

),

spans as (

    select
        file_no,
        source_line,
        case when object ->> '$.object' = 'trace' then object end as trace,
        unnest(case
            when json_type(object, '$.spans') = 'ARRAY' then json_extract(object, '$.spans[*]')
            else [object]
        end) as span
    from objects

)

select
    file_no,
    source_line,
    'openai_agents' as format,
    coalesce(span ->> '$.trace_id', trace ->> '$.id') as trace_id,
    span ->> '$.id' as span_id,
    span ->> '$.parent_id' as parent_span_id,
    coalesce(span ->> '$.span_data.name', span ->> '$.span_data.type', span ->> '$.workflow_name') as name,
    case when json_type(span, '$.error') = 'OBJECT' then 'ERROR' end as status,
    span ->> '$.started_at' as started,
    span ->> '$.ended_at' as ended,
    cast(null as varchar) as unit,
    cast(null as struct(trace_id varchar, span_id varchar)[]) as links,
    list_concat(
        prefixed(pairs_of(coalesce(
            span -> '$.span_data.usage', span -> '$.span_data.response.usage'
        )), 'openai_agents.usage.'),
        [
            { 'key': 'gen_ai.operation.name', 'value': case span ->> '$.span_data.type'
                when 'generation' then 'chat'
                when 'response' then 'chat'
                when 'agent' then 'invoke_agent'
                when 'function' then 'execute_tool'
                else coalesce(span ->> '$.span_data.type', 'invoke_workflow')
            end },
            { 'key': 'gen_ai.response.id', 'value': coalesce(
                span ->> '$.span_data.response_id', span ->> '$.span_data.response.id'
            ) },
            { 'key': 'gen_ai.response.model', 'value': span ->> '$.span_data.response.model' },
            { 'key': 'gen_ai.request.model', 'value': span ->> '$.span_data.model' },
            { 'key': 'gen_ai.agent.name', 'value': case
                when span ->> '$.span_data.type' = 'agent' then span ->> '$.span_data.name'
            end },
            { 'key': 'gen_ai.tool.name', 'value': case
                when span ->> '$.span_data.type' = 'function' then span ->> '$.span_data.name'
            end }
        ]
    ) as attributes,
    list_concat(
        prefixed(pairs_of(trace -> '$.metadata'), 'openai_agents.trace.metadata.'),
        [{ 'key': 'gen_ai.conversation.id', 'value': trace ->> '$.group_id' }]
    ) as resource
from spans
