-- Log lines of Kong's AI plugins (file-log, http-log and their like): what each plugin that asked a model states under
-- `ai.<plugin>`. A request each, its own root; lines of other requests hold no such plugin.
with plugins as (

    select
        file_no,
        source_line,
        cast(document as json) as line,
        unnest(json_keys(document, '$.ai')) as plugin
    from documents

),

opened as (

    select
        *,
        json_extract(line, '$.ai."' || plugin || '"') as said,
        line ->> '$.request.id' as request_id
    from plugins

)

select
    file_no,
    source_line,
    'kong' as format,
    'kong:' || request_id as trace_id,
    'kong:' || request_id || ':' || plugin as span_id,
    cast(null as varchar) as parent_span_id,
    'kong ' || plugin as name,
    case when try_cast(line ->> '$.response.status' as integer) >= 400 then 'ERROR' end as status,
    line ->> '$.started_at' as started,
    time_after(line ->> '$.started_at', 'ms', try_cast(line ->> '$.latencies.request' as decimal(38, 3)) * 1000) as ended,
    'ms' as unit,
    cast(null as struct(trace_id varchar, span_id varchar)[]) as links,
    list_concat(
        within(pairs_of(line), 'request.headers.'),
        [
            { 'key': 'gen_ai.operation.name', 'value': case
                when lower(said ->> '$.cache.cache_status') = 'hit' then 'gateway_cache_hit'
                when contains(line ->> '$.request.uri', 'embeddings') then 'embeddings'
                else 'chat'
            end },
            { 'key': 'gen_ai.provider.name', 'value': said ->> '$.meta.provider_name' },
            { 'key': 'gen_ai.request.model', 'value': said ->> '$.meta.request_model' },
            { 'key': 'gen_ai.response.model', 'value': said ->> '$.meta.response_model' },
            { 'key': 'gen_ai.usage.input_tokens', 'value': said ->> '$.usage.prompt_tokens' },
            { 'key': 'gen_ai.usage.output_tokens', 'value': said ->> '$.usage.completion_tokens' },
            { 'key': 'gen_ai.usage.total_tokens', 'value': said ->> '$.usage.total_tokens' },
            -- A zero says that no price was configured.
            { 'key': 'gen_ai.usage.cost', 'value': case
                when try_cast(said ->> '$.usage.cost' as double) > 0 then said ->> '$.usage.cost'
            end },
            { 'key': 'user.id', 'value': coalesce(line ->> '$.consumer.username', line ->> '$.consumer.custom_id') },
            { 'key': 'url.path', 'value': split_part(line ->> '$.request.uri', '?', 1) },
            { 'key': 'http.request.id', 'value': request_id }
        ]
    ) as attributes,
    [{ 'key': 'service.name', 'value': coalesce(line ->> '$.service.name', 'kong') }] as resource
from opened
where json_type(said, '$.usage') = 'OBJECT'
