-- one row per agent, workflow, chain or tool that states more usage than anything explains: the rest, as one call
{{ replaces_touched("trace_key", by="trace", days="started_on") }}
with unexplained as (

    select
        claims.*,
        greatest(least(claims.rest_all_input_tokens, claims.rest_cache_read_tokens), 0) as rest_cached,
        greatest(least(claims.rest_all_output_tokens, claims.rest_reasoning_tokens), 0) as rest_reasoned
    from {{ ref('int_claims_called') }} as claims
    left join {{ ref('int_claims_explained') }} as explained
        on claims.trace_key = explained.trace_key and claims.span_key = explained.span_key
    where claims.is_beyond and explained.span_key is null

)

select
    {{ row_key("trace_id || ':' || span_id") }} as call_key,
    trace_id || ':' || span_id as call_id,
    false as is_answered,
    0 as spans,
    trace_key,
    span_key,
    trace_id,
    span_id,
    started_on,
    started_at,
    span_name,
    service_name,
    coalesce(provider_name, called_provider_name) as provider_name,
    server_address,
    coalesce(model_name, called_model_name) as model_name,
    service_tier,
    inference_geo,
    api_key,
    account_id,
    cast(null as decimal(38, 18)) as stated_usd,
    is_failed,
    true as has_usage,
    cached_input_rule,
    false as is_cache_write_timed,
    cast(rest_all_input_tokens - rest_cached as bigint) as input_tokens,
    cast(rest_cached as bigint) as cache_read_tokens,
    0 as cache_write_5m_tokens,
    0 as cache_write_1h_tokens,
    0 as audio_input_tokens,
    0 as image_input_tokens,
    cast(rest_all_output_tokens - rest_reasoned as bigint) as output_tokens,
    cast(rest_reasoned as bigint) as reasoning_tokens,
    0 as audio_output_tokens,
    0 as image_output_tokens,
    0 as web_search_requests,
    0 as requests
from unexplained
