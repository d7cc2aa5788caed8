-- one row per span that is no call but states usage (agent, chain, tool ...): what calls beneath don't explain of it
with recursive claims as (

    select
        spans.*,
        walked.parent_span_key as above_key,
        walked.outer_claim_key,
        walked.outer_call_key,
        -- The operation is unknown, and the span is the call itself.
        coalesce(not grouped.is_wrapper, false) as is_call
    from {{ ref('int_spans_reopened') }} as spans
    inner join {{ ref('int_spans_walked') }} as walked
        on spans.trace_key = walked.trace_key and spans.span_key = walked.span_key
    left join {{ ref('int_billable_spans_grouped') }} as grouped
        on spans.trace_key = grouped.trace_key and spans.span_key = grouped.span_key
    where walked.is_claim

),

own as (

    select
        walked.trace_key,
        walked.outer_claim_key as span_key,
        min(coalesce(calls.provider_name, '') || '|' || coalesce(calls.model_name, '')) as least_model,
        max(coalesce(calls.provider_name, '') || '|' || coalesce(calls.model_name, '')) as greatest_model,
        sum(calls.all_input_tokens) as all_input_tokens,
        sum(calls.all_output_tokens) as all_output_tokens,
        sum(calls.cache_read_tokens) as cache_read_tokens,
        sum(calls.reasoning_tokens) as reasoning_tokens
    from {{ ref('int_calls_reported') }} as calls
    inner join {{ ref('int_spans_walked') }} as walked
        on calls.trace_key = walked.trace_key and calls.span_key = walked.span_key
    where walked.outer_claim_key is not null
    group by walked.trace_key, walked.outer_claim_key

),

enclosing as (

    select
        trace_key,
        span_key as inner_key,
        span_key,
        1 as level
    from own

    union all

    select
        enclosing.trace_key,
        enclosing.inner_key,
        claims.outer_claim_key as span_key,
        enclosing.level + 1 as level
    from enclosing
    inner join claims on enclosing.trace_key = claims.trace_key and enclosing.span_key = claims.span_key
    where claims.outer_claim_key is not null and enclosing.level < {{ var('max_claim_levels') }}

),

called as (

    select
        enclosing.trace_key,
        enclosing.span_key,
        case when min(own.least_model) = max(own.greatest_model) then min(own.least_model) end as only_model,
        sum(own.all_input_tokens) as all_input_tokens,
        sum(own.all_output_tokens) as all_output_tokens,
        sum(own.cache_read_tokens) as cache_read_tokens,
        sum(own.reasoning_tokens) as reasoning_tokens
    from enclosing
    inner join own on enclosing.trace_key = own.trace_key and enclosing.inner_key = own.span_key
    group by enclosing.trace_key, enclosing.span_key

),

-- Of agents in agents each explains the larger of what it states and what was called beneath it.
nested as (

    select
        claims.trace_key,
        claims.outer_claim_key as span_key,
        sum(greatest(claims.all_input_tokens, called.all_input_tokens)) as all_input_tokens,
        sum(greatest(claims.all_output_tokens, called.all_output_tokens)) as all_output_tokens,
        sum(greatest(claims.cache_read_tokens, called.cache_read_tokens)) as cache_read_tokens,
        sum(greatest(claims.reasoning_tokens, called.reasoning_tokens)) as reasoning_tokens
    from called
    inner join claims on called.trace_key = claims.trace_key and called.span_key = claims.span_key
    where claims.outer_claim_key is not null
    group by claims.trace_key, claims.outer_claim_key

),

rests as (

    select
        claims.*,
        called.span_key is not null as is_called,
        nullif(split_part(called.only_model, '|', 2), '') as called_model_name,
        nullif(split_part(called.only_model, '|', 1), '') as called_provider_name,
        claims.all_input_tokens - coalesce(own.all_input_tokens, 0) - coalesce(nested.all_input_tokens, 0)
            as rest_all_input_tokens,
        claims.all_output_tokens - coalesce(own.all_output_tokens, 0) - coalesce(nested.all_output_tokens, 0)
            as rest_all_output_tokens,
        claims.cache_read_tokens - coalesce(own.cache_read_tokens, 0) - coalesce(nested.cache_read_tokens, 0)
            as rest_cache_read_tokens,
        claims.reasoning_tokens - coalesce(own.reasoning_tokens, 0) - coalesce(nested.reasoning_tokens, 0)
            as rest_reasoning_tokens
    from claims
    left join called on claims.trace_key = called.trace_key and claims.span_key = called.span_key
    left join own on claims.trace_key = own.trace_key and claims.span_key = own.span_key
    left join nested on claims.trace_key = nested.trace_key and claims.span_key = nested.span_key
    where not claims.is_call

)

select
    *,
    -- An agent with nothing beneath it has no source for what it states.
    is_called
    and rest_all_input_tokens >= 0 and rest_all_output_tokens >= 0
    and rest_all_input_tokens + rest_all_output_tokens > 0 as is_beyond
from rests
