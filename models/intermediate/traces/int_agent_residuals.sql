with recursive claims as (

    select
        attributed.trace_key,
        attributed.span_key,
        attributed.parent_span_key,
        attributed.outer_claim_key,
        attributed.outer_call_key,
        spans.session_id,
        spans.started_at,
        spans.all_input_tokens,
        spans.all_output_tokens,
        spans.cache_read_tokens,
        spans.reasoning_tokens,
        spans.unexplained_tokens,
        -- The span has an unknown operation and turned out to be a call itself.
        coalesce(not grouped.is_wrapper, false) as is_call
    from {{ ref('int_span_attribution') }} as attributed
    inner join {{ ref('int_spans_reopened') }} as spans
        on attributed.trace_key = spans.trace_key and attributed.span_key = spans.span_key
    left join {{ ref('int_span_calls') }} as grouped
        on attributed.trace_key = grouped.trace_key and attributed.span_key = grouped.span_key
    where attributed.is_claim

),

calls as (

    select
        calls.trace_key,
        attributed.parent_span_key,
        attributed.outer_claim_key,
        coalesce(calls.provider_name, '') || '|' || coalesce(calls.model_name, '') as model,
        calls.all_input_tokens,
        calls.all_output_tokens,
        calls.cache_read_tokens,
        calls.reasoning_tokens
    from {{ ref('int_reported_calls') }} as calls
    inner join {{ ref('int_span_attribution') }} as attributed
        on calls.trace_key = attributed.trace_key and calls.span_key = attributed.span_key
    where calls.trace_key in (select claims.trace_key from claims)

),

-- Calls directly beneath a claim, with no other claim in between.
direct_calls as (

    select
        trace_key,
        outer_claim_key as span_key,
        min(model) as least_model,
        max(model) as greatest_model,
        sum(all_input_tokens) as all_input_tokens,
        sum(all_output_tokens) as all_output_tokens,
        sum(cache_read_tokens) as cache_read_tokens,
        sum(reasoning_tokens) as reasoning_tokens
    from calls
    where outer_claim_key is not null
    group by trace_key, outer_claim_key

),

enclosing_claims as (

    select
        trace_key,
        span_key as inner_key,
        span_key,
        1 as level
    from direct_calls

    union all

    select
        enclosing_claims.trace_key,
        enclosing_claims.inner_key,
        claims.outer_claim_key as span_key,
        enclosing_claims.level + 1 as level
    from enclosing_claims
    inner join claims
        on enclosing_claims.trace_key = claims.trace_key and enclosing_claims.span_key = claims.span_key
    where claims.outer_claim_key is not null and enclosing_claims.level < {{ var('max_claim_levels') }}

),

enclosed_calls as (

    select
        enclosing_claims.trace_key,
        enclosing_claims.span_key,
        case
            when min(direct_calls.least_model) = max(direct_calls.greatest_model) then min(direct_calls.least_model)
        end as only_model,
        sum(direct_calls.all_input_tokens) as all_input_tokens,
        sum(direct_calls.all_output_tokens) as all_output_tokens,
        sum(direct_calls.cache_read_tokens) as cache_read_tokens,
        sum(direct_calls.reasoning_tokens) as reasoning_tokens
    from enclosing_claims
    inner join direct_calls
        on enclosing_claims.trace_key = direct_calls.trace_key and enclosing_claims.inner_key = direct_calls.span_key
    group by enclosing_claims.trace_key, enclosing_claims.span_key

),

-- A nested agent explains the larger of what it states and what was called beneath it.
nested_claims as (

    select
        claims.trace_key,
        claims.outer_claim_key as span_key,
        sum(greatest(claims.all_input_tokens, enclosed_calls.all_input_tokens)) as all_input_tokens,
        sum(greatest(claims.all_output_tokens, enclosed_calls.all_output_tokens)) as all_output_tokens,
        sum(greatest(claims.cache_read_tokens, enclosed_calls.cache_read_tokens)) as cache_read_tokens,
        sum(greatest(claims.reasoning_tokens, enclosed_calls.reasoning_tokens)) as reasoning_tokens
    from enclosed_calls
    inner join claims on enclosed_calls.trace_key = claims.trace_key and enclosed_calls.span_key = claims.span_key
    where claims.outer_claim_key is not null
    group by claims.trace_key, claims.outer_claim_key

),

residuals as (

    select
        claims.*,
        enclosed_calls.span_key is not null as is_called,
        {% for tokens in ['all_input', 'all_output', 'cache_read', 'reasoning'] %}
            claims.{{ tokens }}_tokens - coalesce(direct_calls.{{ tokens }}_tokens, 0)
            - coalesce(nested_claims.{{ tokens }}_tokens, 0) as rest_{{ tokens }}_tokens,
        {% endfor %}
        nullif(split_part(enclosed_calls.only_model, '|', 2), '') as called_model_name,
        nullif(split_part(enclosed_calls.only_model, '|', 1), '') as called_provider_name
    from claims
    left join enclosed_calls
        on claims.trace_key = enclosed_calls.trace_key and claims.span_key = enclosed_calls.span_key
    left join direct_calls on claims.trace_key = direct_calls.trace_key and claims.span_key = direct_calls.span_key
    left join nested_claims on claims.trace_key = nested_claims.trace_key and claims.span_key = nested_claims.span_key
    where not claims.is_call

),

-- An agent with nothing beneath it has no source for the usage that it states.
judged_residuals as (

    select
        *,
        is_called
        and rest_all_input_tokens >= 0 and rest_all_output_tokens >= 0
        and rest_all_input_tokens + rest_all_output_tokens > 0 as is_beyond
    from residuals

),

candidates as (

    select * from judged_residuals
    where is_beyond or (not is_called and all_input_tokens + all_output_tokens > 0)

),

-- A conversation goes through traces; each trace counts as one, too.
conversations as (

    select
        trace_key,
        'trace:' || cast(trace_key as string) as conversation_id
    from candidates

    union

    select
        trace_key,
        session_id as conversation_id
    from {{ ref('int_spans_reopened') }}
    where session_id in (select candidates.session_id from candidates)

),

conversation_events as (

    select
        conversations.conversation_id,
        calls.started_at,
        cast(null as bigint) as trace_key,
        cast(null as bigint) as claim_key,
        calls.all_input_tokens as called_input,
        calls.all_output_tokens as called_output
    from {{ ref('int_reported_calls') }} as calls
    inner join conversations on calls.trace_key = conversations.trace_key

    union all

    select
        conversations.conversation_id,
        candidates.started_at,
        candidates.trace_key,
        candidates.span_key as claim_key,
        0 as called_input,
        0 as called_output
    from candidates
    inner join conversations on candidates.trace_key = conversations.trace_key

),

running_totals as (

    select
        *,
        sum(called_input) over earlier as earlier_input,
        sum(called_output) over earlier as earlier_output,
        sum(called_input) over (partition by conversation_id) as whole_input,
        sum(called_output) over (partition by conversation_id) as whole_output
    from conversation_events
    window earlier as (
        partition by conversation_id
        order by started_at, claim_key is null
        rows between unbounded preceding and 1 preceding
    )

),

sibling_calls as (

    select
        trace_key,
        parent_span_key,
        sum(all_input_tokens) as all_input_tokens,
        sum(all_output_tokens) as all_output_tokens
    from calls
    group by trace_key, parent_span_key

),

-- Some agents state the sum of their trace, of all that the conversation called before, or of their siblings.
explained_claims as (

    select
        candidates.trace_key,
        candidates.span_key
    from candidates
    inner join running_totals as totals
        on candidates.trace_key = totals.trace_key and candidates.span_key = totals.claim_key
    where
        (
            totals.earlier_input = candidates.rest_all_input_tokens
            and totals.earlier_output = candidates.rest_all_output_tokens
        )
        or (
            totals.conversation_id like 'trace:%'
            and totals.whole_input = candidates.all_input_tokens
            and totals.whole_output = candidates.all_output_tokens
        )

    union

    select
        candidates.trace_key,
        candidates.span_key
    from candidates
    inner join sibling_calls
        on
            candidates.trace_key = sibling_calls.trace_key
            and candidates.parent_span_key = sibling_calls.parent_span_key
            and candidates.rest_all_input_tokens = sibling_calls.all_input_tokens
            and candidates.rest_all_output_tokens = sibling_calls.all_output_tokens

    union

    -- A step of a call may repeat what the call states.
    select
        candidates.trace_key,
        candidates.span_key
    from candidates
    inner join {{ ref('int_spans_reopened') }} as call_spans
        on
            candidates.trace_key = call_spans.trace_key
            and candidates.outer_call_key = call_spans.span_key
            and candidates.all_input_tokens = call_spans.all_input_tokens
            and candidates.all_output_tokens = call_spans.all_output_tokens
    where not candidates.is_called

)

select
    residuals.trace_key,
    residuals.span_key,
    residuals.all_input_tokens,
    residuals.all_output_tokens,
    residuals.unexplained_tokens,
    residuals.is_called,
    residuals.called_provider_name,
    residuals.called_model_name,
    residuals.rest_all_input_tokens,
    residuals.rest_all_output_tokens,
    residuals.rest_cache_read_tokens,
    residuals.rest_reasoning_tokens,
    residuals.is_beyond,
    explained_claims.span_key is not null as is_explained
from judged_residuals as residuals
left join explained_claims
    on residuals.trace_key = explained_claims.trace_key and residuals.span_key = explained_claims.span_key
