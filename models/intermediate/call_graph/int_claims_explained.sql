-- one row per agent, workflow, chain or tool whose usage beyond its calls is the sum of others
with claims as (

    select * from {{ ref('int_claims_called') }}
    where is_beyond or (not is_called and all_input_tokens + all_output_tokens > 0)

),

-- A conversation goes through traces; each trace is one of its own.
conversations as (

    select
        trace_key,
        'trace:' || cast(trace_key as string) as conversation_id
    from claims

    union

    select
        trace_key,
        session_id as conversation_id
    from {{ ref('int_spans_reopened') }}
    where session_id in (select claims.session_id from claims)

),

events as (

    {% for model, claim_key, tokens in [
        (ref('int_calls_reported'), 'null', 'said.all_'), ('claims', 'said.span_key', '0 * said.all_')
    ] %}
        select
            conversations.conversation_id,
            said.trace_key,
            said.started_at,
            cast({{ claim_key }} as bigint) as claim_key,
            {{ tokens }}input_tokens as tokens_in,
            {{ tokens }}output_tokens as tokens_out
        from {{ model }} as said
        inner join conversations on said.trace_key = conversations.trace_key
        {% if not loop.last %}
            union all
        {% endif %}
    {% endfor %}

),

sums as (

    select
        *,
        sum(tokens_in) over earlier as earlier_in,
        sum(tokens_out) over earlier as earlier_out,
        sum(tokens_in) over (partition by conversation_id) as whole_in,
        sum(tokens_out) over (partition by conversation_id) as whole_out
    from events
    window earlier as (
        partition by conversation_id
        order by started_at, claim_key is null
        rows between unbounded preceding and 1 preceding
    )

),

siblings as (

    select
        walked.trace_key,
        walked.parent_span_key,
        sum(calls.all_input_tokens) as tokens_in,
        sum(calls.all_output_tokens) as tokens_out
    from {{ ref('int_calls_reported') }} as calls
    inner join {{ ref('int_spans_walked') }} as walked
        on calls.trace_key = walked.trace_key and calls.span_key = walked.span_key
    where walked.trace_key in (select claims.trace_key from claims)
    group by walked.trace_key, walked.parent_span_key

)

-- Some agents state the sum of their siblings, of their trace, or of all that was called before in the conversation.
select
    claims.trace_key,
    claims.span_key
from claims
inner join sums on claims.trace_key = sums.trace_key and claims.span_key = sums.claim_key
where
    (sums.earlier_in = claims.rest_all_input_tokens and sums.earlier_out = claims.rest_all_output_tokens)
    or (
        sums.conversation_id like 'trace:%'
        and sums.whole_in = claims.all_input_tokens and sums.whole_out = claims.all_output_tokens
    )

union

select
    claims.trace_key,
    claims.span_key
from claims
inner join siblings
    on
        claims.trace_key = siblings.trace_key
        and claims.above_key = siblings.parent_span_key
        and claims.rest_all_input_tokens = siblings.tokens_in
        and claims.rest_all_output_tokens = siblings.tokens_out

union

-- A step of a call may repeat what the call states.
select
    claims.trace_key,
    claims.span_key
from claims
inner join {{ ref('int_spans_reopened') }} as calls
    on
        claims.trace_key = calls.trace_key
        and claims.outer_call_key = calls.span_key
        and claims.all_input_tokens = calls.all_input_tokens
        and claims.all_output_tokens = calls.all_output_tokens
where not claims.is_called
