-- one row per agent, workflow, chain or tool that states more usage than anything explains: the rest, as one call
with claims as (

    select
        *,
        greatest(least(rest_all_input_tokens, rest_cache_read_tokens), 0) as rest_cached,
        greatest(least(rest_all_output_tokens, rest_reasoning_tokens), 0) as rest_reasoned
    from {{ ref('int_claims_called') }}
    where
        rest_all_input_tokens >= 0 and rest_all_output_tokens >= 0
        and rest_all_input_tokens + rest_all_output_tokens > 0

),

traces as (

    select
        trace_key as claim_trace_key,
        trace_key
    from claims

    union

    select
        claims.trace_key as claim_trace_key,
        spans.trace_key
    from claims
    inner join {{ ref('stg_telemetry__spans') }} as spans on claims.session_id = spans.session_id

),

others as (

    select
        claims.trace_key,
        claims.span_key,
        calls.all_input_tokens as tokens_in,
        calls.all_output_tokens as tokens_out,
        calls.started_at < claims.started_at as is_earlier,
        calls.trace_key = claims.trace_key as is_of_trace,
        calls.trace_key = claims.trace_key and walked.parent_span_key = claims.above_key as is_sibling
    from claims
    inner join traces on claims.trace_key = traces.claim_trace_key
    inner join {{ ref('int_calls_reported') }} as calls on traces.trace_key = calls.trace_key
    inner join {{ ref('int_spans_walked') }} as walked
        on calls.trace_key = walked.trace_key and calls.span_key = walked.span_key

),

sums as (

    select
        trace_key,
        span_key,
        sum(tokens_in) filter (where is_of_trace) as trace_in,
        sum(tokens_out) filter (where is_of_trace) as trace_out,
        sum(tokens_in) filter (where is_sibling) as siblings_in,
        sum(tokens_out) filter (where is_sibling) as siblings_out,
        sum(tokens_in) filter (where is_of_trace and is_earlier) as before_in,
        sum(tokens_out) filter (where is_of_trace and is_earlier) as before_out,
        sum(tokens_in) filter (where is_earlier) as earlier_in,
        sum(tokens_out) filter (where is_earlier) as earlier_out
    from others
    group by trace_key, span_key

),

-- Some agents state the sum of their siblings, of their trace, or of all that was called before in the conversation.
unexplained as (

    select claims.*
    from claims
    left join sums on claims.trace_key = sums.trace_key and claims.span_key = sums.span_key
    where
        not coalesce(claims.all_input_tokens = sums.trace_in and claims.all_output_tokens = sums.trace_out, false)
        and not coalesce(
            claims.rest_all_input_tokens = sums.siblings_in and claims.rest_all_output_tokens = sums.siblings_out, false
        )
        and not coalesce(
            claims.rest_all_input_tokens = sums.before_in and claims.rest_all_output_tokens = sums.before_out, false
        )
        and not coalesce(
            claims.rest_all_input_tokens = sums.earlier_in and claims.rest_all_output_tokens = sums.earlier_out, false
        )

)

select
    {{ row_key("trace_id || ':' || span_id") }} as call_key,
    trace_id || ':' || span_id as call_id,
    cast(null as varchar) as response_id,
    0 as spans,
    trace_key,
    span_key,
    trace_id,
    span_id,
    started_at,
    span_name,
    service_name,
    coalesce(provider_name, called_provider_name) as provider_name,
    server_address,
    coalesce(model_name, called_model_name) as model_name,
    service_tier,
    api_key,
    account_id,
    cast(null as decimal(38, 18)) as stated_usd,
    status = 'error' as is_failed,
    true as has_usage,
    cached_input_rule,
    rest_all_input_tokens - rest_cached as input_tokens,
    rest_cached as cache_read_tokens,
    0 as cache_write_5m_tokens,
    0 as cache_write_1h_tokens,
    0 as audio_input_tokens,
    rest_all_output_tokens - rest_reasoned as output_tokens,
    rest_reasoned as reasoning_tokens,
    0 as audio_output_tokens
from unexplained
