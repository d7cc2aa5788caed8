-- Opik spans: a span a record (SDK), or pages of the REST API (`content`).
with spans as (

    select
        file_no,
        source_line,
        unnest(case
            when json_type(document, '$.content') = 'ARRAY' then json_extract(document, '$.content[*]')
            else [cast(document as json)]
        end) as span
    from documents

)

select
    file_no,
    source_line,
    'opik' as format,
    span ->> '$.trace_id' as trace_id,
    span ->> '$.id' as span_id,
    span ->> '$.parent_span_id' as parent_span_id,
    span ->> '$.name' as name,
    case when json_type(json_of(span ->> '$.error_info')) = 'OBJECT' then 'ERROR' end as status,
    span ->> '$.start_time' as started,
    span ->> '$.end_time' as ended,
    cast(null as varchar) as unit,
    cast(null as struct(trace_id varchar, span_id varchar)[]) as links,
    list_concat(
        prefixed(pairs_of(json_of(span ->> '$.metadata')), 'opik.metadata.'),
        prefixed(within(pairs_of(json_object('tags', json_of(span ->> '$.tags'))), 'tags.'), 'opik.tags.'),
        prefixed(pairs_of(json_of(span ->> '$.usage')), 'opik.usage.'),
        [
            { 'key': 'gen_ai.operation.name', 'value': case lower(span ->> '$.type')
                when 'llm' then 'chat'
                when 'tool' then 'execute_tool'
                else lower(span ->> '$.type')
            end },
            { 'key': 'gen_ai.provider.name', 'value': span ->> '$.provider' },
            { 'key': 'gen_ai.response.model', 'value': span ->> '$.model' },
            { 'key': 'opik.total_estimated_cost', 'value': nullif(span ->> '$.total_estimated_cost', '0') },
            { 'key': 'error.type', 'value': json_of(span ->> '$.error_info') ->> '$.exception_type' },
            { 'key': 'gen_ai.conversation.id', 'value': span ->> '$.thread_id' }
        ]
    ) as attributes,
    [{ 'key': 'service.name', 'value': span ->> '$.project_name' }] as resource
from spans
