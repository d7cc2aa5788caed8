{{ replaces_touched("trace_key", by="trace", days="started_on") }}
with spans as (

    select * from {{ ref('int_spans_reopened') }}

),

-- The calls beneath a span may take their position in another trace.
spans_around_reports as (

    select distinct
        walked.trace_key,
        walked.outer_claim_key as span_key
    from {{ ref('int_span_calls') }} as grouped
    inner join {{ ref('int_span_attribution') }} as walked
        on grouped.trace_key = walked.trace_key and grouped.span_key = walked.span_key
    where walked.outer_claim_key is not null and not grouped.is_wrapper

),

claims as (

    select
        residuals.*,
        spans_around_reports.span_key is not null as has_billable_spans
    from {{ ref('int_agent_residuals') }} as residuals
    left join spans_around_reports
        on residuals.trace_key = spans_around_reports.trace_key and residuals.span_key = spans_around_reports.span_key

),

unexplained_usage as (

    select
        trace_key,
        span_key,
        'not_a_call' as reason,
        all_input_tokens + all_output_tokens + unexplained_tokens as tokens
    from claims
    where not is_called and not has_billable_spans and not is_explained

    union all

    -- More of one kind than anything explains, but less of the other, makes no residual call.
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
    from {{ ref('int_spans') }} as tool_spans
    inner join spans on tool_spans.trace_key = spans.trace_key and tool_spans.span_key = spans.span_key
    where tool_spans.tool_meter is not null and tool_spans.has_usage and not tool_spans.is_inner

    union all

    select
        trace_key,
        span_key,
        'unexplained_total' as reason,
        unexplained_tokens as tokens
    from {{ ref('int_reported_calls') }}
    where unexplained_tokens > 0

    union all

    -- An unreadable count hides an unknown number of tokens.
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
    unexplained.reason,
    cast(coalesce(unexplained.tokens, 0) as bigint) as tokens
from unexplained_usage as unexplained
inner join spans on unexplained.trace_key = spans.trace_key and unexplained.span_key = spans.span_key
where
    (unexplained.tokens > 0 or unexplained.reason = 'unreadable_count')
    -- Metric points repeat the usage of requests, or are calls of their own.
    and coalesce(spans.operation_name, '') != 'usage_metric'
