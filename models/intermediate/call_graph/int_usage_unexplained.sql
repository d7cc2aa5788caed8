-- one row per span and reason why tokens that it states are in no call, or why a count of it could not be read
{{ replaces_touched("trace_key", by="trace", days="started_on") }}
with spans as (

    select * from {{ ref('int_spans_reopened') }}

),

-- The calls beneath a span may take their place in another trace.
around as (

    select distinct
        walked.trace_key,
        walked.outer_claim_key as span_key
    from {{ ref('int_billable_spans_grouped') }} as grouped
    inner join {{ ref('int_spans_walked') }} as walked
        on grouped.trace_key = walked.trace_key and grouped.span_key = walked.span_key
    where walked.outer_claim_key is not null and not grouped.is_wrapper

),

claims as (

    select
        called.*,
        around.span_key is not null as has_billable_spans,
        explained.span_key is not null as is_explained
    from {{ ref('int_claims_called') }} as called
    left join {{ ref('int_claims_explained') }} as explained
        on called.trace_key = explained.trace_key and called.span_key = explained.span_key
    left join around
        on called.trace_key = around.trace_key and called.span_key = around.span_key

),

listed as (

    select
        trace_key,
        span_key,
        'not_a_call' as reason,
        all_input_tokens + all_output_tokens + unexplained_tokens as tokens
    from claims
    where not is_called and not has_billable_spans and not is_explained

    union all

    -- More of one kind than anything explains, and less of the other: no residual call can be made of it.
    select
        trace_key,
        span_key,
        'unexplained_total' as reason,
        greatest(rest_all_input_tokens, 0) + greatest(rest_all_output_tokens, 0) as tokens
    from claims
    where is_called and not is_beyond

    union all

    -- A billed tool is a call of its own meter, without tokens.
    select
        spans.trace_key,
        spans.span_key,
        'not_a_call' as reason,
        spans.all_input_tokens + spans.all_output_tokens + spans.unexplained_tokens as tokens
    from {{ ref('int_tools_called') }} as tools
    inner join spans on tools.trace_key = spans.trace_key and tools.span_key = spans.span_key
    inner join {{ ref('int_span_parents_resolved') }} as parents
        on spans.trace_key = parents.trace_key and spans.span_key = parents.span_key
    where spans.has_usage and not parents.is_inner

    union all

    select
        trace_key,
        span_key,
        'unexplained_total' as reason,
        unexplained_tokens as tokens
    from {{ ref('int_calls_reported') }}
    where unexplained_tokens > 0

    union all

    -- How many tokens nobody knows.
    select
        trace_key,
        span_key,
        'unreadable_count' as reason,
        cast(null as bigint) as tokens
    from spans
    where unreadable is not null

)

select
    spans.trace_key,
    spans.span_key,
    spans.started_on,
    spans.file_id,
    spans.service_name,
    spans.operation_name,
    spans.unreadable,
    listed.reason,
    cast(coalesce(listed.tokens, 0) as bigint) as tokens
from listed
inner join spans on listed.trace_key = spans.trace_key and listed.span_key = spans.span_key
where
    (listed.tokens > 0 or listed.reason = 'unreadable_count')
    -- Points of a metric repeat what requests state, or are calls of their own.
    and coalesce(spans.operation_name, '') != 'usage_metric'
