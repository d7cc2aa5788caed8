-- one row per billable span: the response id that it or its twin knows, and whether it counted anything of its own
{{ config(materialized="view") }}
with billable as (

    select
        spans.trace_key,
        spans.span_key,
        walked.parent_span_key,
        walked.outer_call_key,
        walked.outer_unknown_key,
        spans.trace_id,
        spans.span_id,
        spans.span_name,
        spans.parent_span_key as stated_parent_key,
        spans.format in (
            'otlp', 'jaeger', 'console', 'javascript', 'zipkin', 'cloudwatch', 'clickhouse', 'datadog'
        )
        or {{ microsecond_of('spans.started_at') }} % 1000 != 0
        or {{ microsecond_of('spans.ended_at') }} % 1000 != 0 as is_finely_timed,
        spans.format,
        spans.session_id,
        -- Coding agents tell of one request in spans, log records and files of their sessions.
        spans.format in ('otlp_logs', 'claude_code_session', 'codex_rollout')
        or coalesce(spans.operation_name in ('claude_code.llm_request', 'codex.response'), false) as is_agent_report,
        spans.response_id,
        spans.output_key,
        spans.started_at,
        spans.ended_at,
        spans.has_usage,
        spans.model_name,
        spans.all_input_tokens,
        spans.all_output_tokens
    from {{ ref('int_spans_reopened') }} as spans
    inner join {{ ref('int_spans_walked') }} as walked
        on spans.trace_key = walked.trace_key and spans.span_key = walked.span_key
    where spans.is_billable

),

-- Spans of unknown operations that have billable spans beneath them.
unknown_above as (

    select distinct
        trace_key,
        outer_unknown_key as span_key
    from billable
    where outer_unknown_key is not null

),

-- They claim what is beneath them, unless all of it carries their own response id: then it is a report of one request.
claiming as (

    select
        unknown_above.trace_key,
        unknown_above.span_key
    from unknown_above
    inner join billable as claimants
        on unknown_above.trace_key = claimants.trace_key and unknown_above.span_key = claimants.span_key
    inner join billable as claimed
        on unknown_above.trace_key = claimed.trace_key and unknown_above.span_key = claimed.outer_unknown_key
    left join unknown_above as further
        on claimed.trace_key = further.trace_key and claimed.span_key = further.span_key
    group by unknown_above.trace_key, unknown_above.span_key
    having bool_or(further.span_key is not null or coalesce(claimed.response_id != claimants.response_id, true))

),

{% for family, head in [('beneath', 'outer_call_key'), ('siblings', 'parent_span_key')] %}
{{ family }} as (

    select
        billable.trace_key,
        billable.{{ head }},
        count(*) as members,
        sum(billable.all_input_tokens) as input_tokens,
        sum(billable.all_output_tokens) as output_tokens
    from billable
    left join claiming
        on billable.trace_key = claiming.trace_key and billable.span_key = claiming.span_key
    where billable.{{ head }} is not null and claiming.span_key is null
    group by billable.trace_key, billable.{{ head }}

),
{% endfor %}

-- Who knows no response id and counted nothing of its own: nothing at all, or the sum of its children or siblings.
wrappers as (

    select
        billable.trace_key,
        billable.span_key
    from billable
    left join beneath
        on billable.trace_key = beneath.trace_key and billable.span_key = beneath.outer_call_key
    left join siblings
        on billable.trace_key = siblings.trace_key and billable.parent_span_key = siblings.parent_span_key
    where
        billable.response_id is null
        and (
            (beneath.members >= 1 and not billable.has_usage)
            or (
                beneath.members >= 2 and beneath.input_tokens = billable.all_input_tokens
                and beneath.output_tokens = billable.all_output_tokens
            )
            or (
                siblings.members >= 3 and siblings.input_tokens = 2 * billable.all_input_tokens
                and siblings.output_tokens = 2 * billable.all_output_tokens
                and billable.has_usage
            )
        )

),

-- An instrumentation that knows no response id saw the same text at the same time as one that does.
twins as (

    {% call first_rows(
        partition_by="billable.trace_key, billable.span_key",
        order_by=[
            microseconds_apart('billable.started_at', 'identified.started_at') ~ " + "
            ~ microseconds_apart('billable.ended_at', 'identified.ended_at'), "identified.response_id"
        ]
    ) %}
        select
            billable.trace_key,
            billable.span_key,
            identified.response_id,
            identified.trace_key as twin_trace_key,
            identified.span_key as twin_span_key
        from billable
        inner join billable as identified
            on
                billable.output_key = identified.output_key
                and {{ microseconds_apart('billable.started_at', 'identified.started_at') }}
                <= {{ var('twin_window_ms') }} * 1000
                and {{ microseconds_apart('billable.ended_at', 'identified.ended_at') }}
                <= {{ var('twin_window_ms') }} * 1000
        where billable.response_id is null and identified.response_id is not null
    {% endcall %}

),

known as (

    select
        billable.*,
        coalesce(billable.response_id, twins.response_id) as call_response_id,
        -- The span that knows the id: itself or its twin.
        coalesce(twins.twin_trace_key, billable.trace_key) as answered_trace_key,
        coalesce(twins.twin_span_key, billable.span_key) as answered_span_key
    from billable
    left join twins
        on billable.trace_key = twins.trace_key and billable.span_key = twins.span_key

)

select
    {{ all_but('known', ['call_response_id', 'response_id']) }},
    known.call_response_id as response_id,
    known.response_id is not null as is_identified,
    wrappers.span_key is not null or claiming.span_key is not null as is_wrapper
from known
left join wrappers
    on known.trace_key = wrappers.trace_key and known.span_key = wrappers.span_key
left join claiming
    on known.trace_key = claiming.trace_key and known.span_key = claiming.span_key
