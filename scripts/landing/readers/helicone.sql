-- Helicone requests: rows of its export tool and API (`data`). A request is its own root; a hit of its cache reached no
-- provider.
with requests as (

    select
        file_no,
        source_line,
        unnest(case
            when json_type(document, '$.data') = 'ARRAY' then json_extract(document, '$.data[*]')
            else [cast(document as json)]
        end) as request
    from documents

),

opened as (

    select
        *,
        -- The export tool doubles the quotes of objects in its CSV once too often.
        coalesce(
            json_of(coalesce(nullif(request ->> '$.request_properties', ''), request ->> '$.properties')),
            json_of(replace(coalesce(nullif(request ->> '$.request_properties', ''), request ->> '$.properties'), '""', '"'))
        ) as properties,
        json_of(request ->> '$.response_body') as answer,
        coalesce(nullif(request ->> '$.request_id', ''), request ->> '$.response_id') as request_id,
        coalesce(nullif(request ->> '$.response_status', ''), request ->> '$.status') as response_status,
        lower(coalesce(request ->> '$.request_path', request ->> '$.target_url')) as path
    from requests

)

select
    file_no,
    source_line,
    'helicone' as format,
    'helicone:' || request_id as trace_id,
    request_id as span_id,
    cast(null as varchar) as parent_span_id,
    'helicone ' || coalesce(request ->> '$.request_model', request ->> '$.model', 'request') as name,
    case when try_cast(response_status as integer) >= 400 or try_cast(response_status as integer) < 0 then 'ERROR' end as status,
    request ->> '$.request_created_at' as started,
    request ->> '$.response_created_at' as ended,
    cast(null as varchar) as unit,
    cast(null as struct(trace_id varchar, span_id varchar)[]) as links,
    list_concat(
        prefixed(pairs_of(properties), 'helicone.properties.'),
        list_transform(
            [
                'prompt_tokens', 'prompt_cache_read_tokens', 'prompt_cache_write_tokens', 'completion_tokens', 'reasoning_tokens',
                'prompt_audio_tokens', 'completion_audio_tokens', 'total_tokens'
            ],
            lambda name: { 'key': 'helicone.usage.' || name, 'value': json_extract_string(request, '$.' || name) }
        ),
        [
            { 'key': 'gen_ai.operation.name', 'value': case
                when coalesce(request ->> '$.cache_reference_id', '') not in ('', '00000000-0000-0000-0000-000000000000')
                    then 'gateway_cache_hit'
                when contains(path, 'embedding') then 'embeddings'
                else 'chat'
            end },
            { 'key': 'gen_ai.response.id', 'value': answer ->> '$.id' },
            { 'key': 'gen_ai.provider.name', 'value': lower(request ->> '$.provider') },
            { 'key': 'gen_ai.response.model', 'value': coalesce(
                nullif(request ->> '$.response_model', ''), request ->> '$.model'
            ) },
            { 'key': 'gen_ai.request.model', 'value': coalesce(
                nullif(request ->> '$.model_override', ''), request ->> '$.request_model'
            ) },
            { 'key': 'helicone.cost', 'value': coalesce(
                request ->> '$.cost_usd', request ->> '$.costUSD', request ->> '$.cost'
            ) },
            { 'key': 'helicone.user_id', 'value': coalesce(request ->> '$.request_user_id', request ->> '$.user_id') },
            { 'key': 'request.id', 'value': request_id },
            { 'key': 'server.address', 'value': regexp_extract(request ->> '$.target_url', '^https?://([^/:]+)', 1) }
        ]
    ) as attributes,
    [{ 'key': 'service.name', 'value': 'helicone' }] as resource
from opened
