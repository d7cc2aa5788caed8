-- MLflow traces: `info` and `data.spans`, rows of search_traces (`spans`), or a trace's stored data alone. Attribute values
-- are JSON texts. Ids are hex with 0x (2.x), base64 (3.x), or have a prefix (`tr-`, `trace:/<place>/`).
with traces as (

    select
        file_no,
        source_line,
        unnest(case
            when json_type(document, '$.traces') = 'ARRAY' then json_extract(document, '$.traces[*]')
            else [cast(document as json)]
        end) as trace
    from documents

),

opened as (

    select
        file_no,
        source_line,
        coalesce(trace -> '$.info', trace) as info,
        json_of(coalesce(trace ->> '$.data.spans', trace ->> '$.spans')) as spans
    from traces

),

labelled as (

    select
        *,
        json_of(info ->> '$.tags') as tags,
        json_of(coalesce(info ->> '$.trace_metadata', info ->> '$.request_metadata')) as metadata,
        unnest(json_extract(spans, '$[*]')) as span
    from opened

),

named as (

    select
        * exclude (tags),
        -- 2.0 wrote tags as a list of keys and values.
        case
            when json_type(tags) = 'ARRAY'
                then list_transform(json_extract(tags, '$[*]'), lambda tag: {
                    'key': tag ->> '$.key', 'value': tag ->> '$.value'
                })
            else pairs_of(tags)
        end as tags,
        list_transform(
            json_keys(span, '$.attributes'),
            lambda name: { 'key': name, 'value': json_extract_string(span, '$.attributes."' || name || '"') }
        ) as attributes
    from labelled

),

-- Prompts and answers are of no use here.
told as (

    select
        * replace (list_transform(
            list_filter(attributes, lambda pair: pair.key not in ('mlflow.spanInputs', 'mlflow.spanOutputs')),
            lambda pair: {
                'key': pair.key, 'value': case when starts_with(pair.value, '"') then json_of(pair.value) ->> '$' else pair.value end
            }
        ) as attributes)
    from named

),

kinds as (

    select
        *,
        lower(list_filter(attributes, lambda pair: pair.key = 'mlflow.spanType')[1].value) as kind
    from told

)

select
    file_no,
    source_line,
    'mlflow' as format,
    regexp_replace(
        coalesce(
            span ->> '$.otel_trace_id', span ->> '$.context.trace_id', span ->> '$.trace_id', info ->> '$.trace_id',
            info ->> '$.request_id'
        ),
        '^(tr-|trace:/.*/)', ''
    ) as trace_id,
    coalesce(span ->> '$.span_id', span ->> '$.context.span_id') as span_id,
    coalesce(span ->> '$.parent_span_id', span ->> '$.parent_id') as parent_span_id,
    span ->> '$.name' as name,
    coalesce(span ->> '$.status.code', span ->> '$.status_code') as status,
    coalesce(span ->> '$.start_time_unix_nano', span ->> '$.start_time') as started,
    coalesce(span ->> '$.end_time_unix_nano', span ->> '$.end_time') as ended,
    'ns' as unit,
    cast(null as struct(trace_id varchar, span_id varchar)[]) as links,
    events_of(span -> '$.events') as events,
    list_concat(attributes, [{ 'key': 'gen_ai.operation.name', 'value': case
        when list_contains(list_transform(attributes, lambda pair: pair.key), 'gen_ai.operation.name') then null
        when kind in ('chat_model', 'llm') then 'chat'
        when kind = 'embedding' then 'embeddings'
        when kind = 'reranker' then 'rerank'
        when kind = 'agent' then 'invoke_agent'
        when kind = 'tool' then 'execute_tool'
        else kind
    end }]) as attributes,
    list_concat(
        prefixed(tags, 'mlflow.trace.tags.'), prefixed(pairs_of(metadata), 'mlflow.trace.metadata.')
    ) as resource
from kinds
