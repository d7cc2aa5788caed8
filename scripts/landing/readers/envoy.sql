-- Envoy AI Gateway's access log in JSON, and log lines of the same flat names: a request each, its own root. Envoy writes
-- a dash where there is nothing, and the backend's path where a provider would be named.
with opened as (

    select
        *,
        list_filter(pairs_of(document), lambda pair: pair.value not in ('-', '')) as pairs,
        coalesce(
            document ->> '$."x-envoy-origin-path"', document ->> '$."x-envoy-original-path"', document ->> '$.path'
        ) as route,
        coalesce(
            document ->> '$.start_time', document ->> '$.timestamp', document ->> '$."@timestamp"', document ->> '$.time'
        ) as started,
        coalesce(document ->> '$.response_code', document ->> '$.status') as answered,
        coalesce(document ->> '$."x-request-id"', document ->> '$.x_request_id', document ->> '$.request_id') as request_id
    from documents

)

select
    file_no,
    source_line,
    'envoy' as format,
    'envoy:' || nullif(request_id, '-') as trace_id,
    nullif(request_id, '-') as span_id,
    cast(null as varchar) as parent_span_id,
    'envoy ' || coalesce(route, 'request') as name,
    case when try_cast(answered as integer) >= 400 then 'ERROR' end as status,
    started,
    time_after(started, null, try_cast(
        coalesce(document ->> '$.duration', document ->> '$.duration_ms') as decimal(38, 3)
    ) * 1000) as ended,
    cast(null as varchar) as unit,
    cast(null as struct(trace_id varchar, span_id varchar)[]) as links,
    list_concat(
        list_filter(pairs, lambda pair: pair.key <> 'gen_ai.provider.name' or not contains(pair.value, '/')),
        [
            { 'key': 'gen_ai.operation.name', 'value': case
                when json_exists(document, '$."gen_ai.operation.name"') then null
                when contains(route, 'embeddings') then 'embeddings'
                when contains(route, 'rerank') then 'rerank'
                when regexp_matches(route, 'completions|messages|responses|generateContent') then 'chat'
            end },
            { 'key': 'gen_ai.request.model', 'value': list_filter(
                pairs, lambda pair: pair.key = 'genai_model_name' and not json_exists(document, '$."gen_ai.request.model"')
            )[1].value },
            { 'key': 'gen_ai.usage.input_tokens', 'value': list_filter(
                pairs,
                lambda pair: pair.key = 'genai_tokens_input' and not json_exists(document, '$."gen_ai.usage.input_tokens"')
            )[1].value },
            { 'key': 'gen_ai.usage.output_tokens', 'value': list_filter(
                pairs,
                lambda pair: pair.key = 'genai_tokens_output'
                    and not json_exists(document, '$."gen_ai.usage.output_tokens"')
            )[1].value },
            { 'key': 'gen_ai.usage.total_tokens', 'value': list_filter(
                pairs,
                lambda pair: pair.key = 'genai_tokens_total' and not json_exists(document, '$."gen_ai.usage.total_tokens"')
            )[1].value },
            { 'key': 'url.path', 'value': route },
            { 'key': 'http.request.id', 'value': nullif(request_id, '-') }
        ]
    ) as attributes,
    [{ 'key': 'service.name', 'value': coalesce(
        document ->> '$."service.name"', case when json_exists(document, '$.response_code') then 'envoy-ai-gateway' end
    ) }] as resource
from opened
where started is not null
