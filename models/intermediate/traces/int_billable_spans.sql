{% set repeated_reports %}
billable_spans as (

    select
        spans.trace_key,
        spans.span_key,
        attributed.parent_span_key,
        attributed.outer_call_key,
        attributed.outer_unknown_key,
        attributed.depth,
        spans.trace_id || ':' || spans.span_id as own_id,
        spans.span_name,
        spans.parent_span_key as stated_parent_key,
        spans.format in (
            'otlp', 'jaeger', 'console', 'javascript', 'zipkin', 'cloudwatch', 'clickhouse', 'datadog'
        )
        or {{ microsecond_of('spans.started_at') }} % 1000 != 0
        or {{ microsecond_of('spans.ended_at') }} % 1000 != 0 as is_finely_timed,
        spans.format,
        -- A reporter is the instrumentation of a service, in one export format.
        coalesce(spans.service_name, '') || '|' || coalesce(spans.scope_name, '') || '|' || spans.format as reporter,
        spans.session_id,
        -- Coding agents report one request in spans, log records and files of their sessions.
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
    inner join {{ ref('int_span_attribution') }} as attributed
        on spans.trace_key = attributed.trace_key and spans.span_key = attributed.span_key
    where spans.is_billable

),

repeated_ids as (

    select response_id
    from billable_spans
    where response_id is not null
    group by response_id
    having count(*) > 1

),

-- All billable spans of the traces that have such an id: the search for the outermost report is limited to them.
suspect_spans as (

    select *
    from billable_spans
    where
        trace_key in (
            select spans.trace_key
            from billable_spans as spans
            inner join repeated_ids on spans.response_id = repeated_ids.response_id
        )

),

-- The nearest billable span above: a call, or one of an unknown operation, which may claim what is beneath it.
outer_reports as (

    select
        spans.trace_key,
        spans.span_key,
        spans.response_id,
        case
            when outer_unknown.depth > coalesce(outer_call.depth, -1) then spans.outer_unknown_key
            else spans.outer_call_key
        end as outer_key
    from suspect_spans as spans
    left join suspect_spans as outer_call
        on spans.trace_key = outer_call.trace_key and spans.outer_call_key = outer_call.span_key
    left join suspect_spans as outer_unknown
        on spans.trace_key = outer_unknown.trace_key and spans.outer_unknown_key = outer_unknown.span_key
    where spans.outer_call_key is not null or spans.outer_unknown_key is not null

),
{% endset %}
{% set nearest_reports %}
    select
        outer_reports.trace_key,
        outer_reports.span_key,
        outer_reports.response_id,
        outer_reports.outer_key,
        1 as level
    from outer_reports
    inner join repeated_ids on outer_reports.response_id = repeated_ids.response_id
{% endset %}
with recursive {{ repeated_reports }}

enclosing_reports as (

    {% call(enclosing) reached_from('enclosing_reports', nearest_reports, repeated_reports, level='level') %}
        select
            enclosing_reports.trace_key,
            enclosing_reports.span_key,
            enclosing_reports.response_id,
            outer_reports.outer_key,
            enclosing_reports.level + 1 as level
        from {{ enclosing }}
        inner join outer_reports
            on
                enclosing_reports.trace_key = outer_reports.trace_key
                and enclosing_reports.outer_key = outer_reports.span_key
        where enclosing_reports.level < {{ var('max_claim_levels') }}
    {% endcall %}

),

-- Nested spans with one response id report one request, whatever their times.
outermost_reports as (

    {% call first_rows(
        partition_by="enclosing_reports.trace_key, enclosing_reports.span_key", order_by="enclosing_reports.level desc"
    ) %}
        select
            enclosing_reports.trace_key,
            enclosing_reports.span_key,
            enclosing_reports.outer_key as outermost_key
        from enclosing_reports
        inner join suspect_spans as outer_spans
            on
                enclosing_reports.trace_key = outer_spans.trace_key
                and enclosing_reports.outer_key = outer_spans.span_key
                and enclosing_reports.response_id = outer_spans.response_id
    {% endcall %}

),

-- Spans of unknown operations that have billable spans beneath them.
unknown_outer_spans as (

    select distinct
        trace_key,
        outer_unknown_key as span_key
    from billable_spans
    where outer_unknown_key is not null

),

-- They claim what is beneath them, unless all of it carries their own response id: then they report the same request.
claiming_spans as (

    select
        claimants.trace_key,
        claimants.span_key
    from unknown_outer_spans
    inner join billable_spans as claimants
        on unknown_outer_spans.trace_key = claimants.trace_key and unknown_outer_spans.span_key = claimants.span_key
    inner join billable_spans as claimed
        on claimants.trace_key = claimed.trace_key and claimants.span_key = claimed.outer_unknown_key
    left join unknown_outer_spans as inner_claimants
        on claimed.trace_key = inner_claimants.trace_key and claimed.span_key = inner_claimants.span_key
    group by claimants.trace_key, claimants.span_key
    having
        bool_or(inner_claimants.span_key is not null or coalesce(claimed.response_id != claimants.response_id, true))

),

{% for family, head in [('inner_spans', 'outer_call_key'), ('sibling_spans', 'parent_span_key')] %}
{{ family }} as (

    select
        spans.trace_key,
        spans.{{ head }},
        count(*) as members,
        sum(spans.all_input_tokens) as input_tokens,
        sum(spans.all_output_tokens) as output_tokens
    from billable_spans as spans
    left join claiming_spans
        on spans.trace_key = claiming_spans.trace_key and spans.span_key = claiming_spans.span_key
    where spans.{{ head }} is not null and claiming_spans.span_key is null
    group by spans.trace_key, spans.{{ head }}

),
{% endfor %}

-- A wrapper knows no response id and counted nothing of its own: no usage, or the sum of its children or siblings.
wrappers as (

    select
        spans.trace_key,
        spans.span_key
    from billable_spans as spans
    left join inner_spans
        on spans.trace_key = inner_spans.trace_key and spans.span_key = inner_spans.outer_call_key
    left join sibling_spans
        on spans.trace_key = sibling_spans.trace_key and spans.parent_span_key = sibling_spans.parent_span_key
    where
        spans.response_id is null
        and (
            (inner_spans.members >= 1 and not spans.has_usage)
            or (
                inner_spans.members >= 2 and inner_spans.input_tokens = spans.all_input_tokens
                and inner_spans.output_tokens = spans.all_output_tokens
            )
            or (
                sibling_spans.members >= 3 and sibling_spans.input_tokens = 2 * spans.all_input_tokens
                and sibling_spans.output_tokens = 2 * spans.all_output_tokens
                and spans.has_usage
            )
        )

),

-- Twins: an instrumentation without response ids saw the same text at the same time as one with them.
twins as (

    {% call first_rows(
        partition_by="spans.trace_key, spans.span_key",
        order_by=[
            microseconds_apart('spans.started_at', 'identified.started_at') ~ " + "
            ~ microseconds_apart('spans.ended_at', 'identified.ended_at'), "identified.response_id"
        ]
    ) %}
        select
            spans.trace_key,
            spans.span_key,
            identified.response_id,
            identified.trace_key as twin_trace_key,
            identified.span_key as twin_span_key
        from billable_spans as spans
        inner join billable_spans as identified
            on
                spans.output_key = identified.output_key
                and {{ microseconds_apart('spans.started_at', 'identified.started_at') }}
                <= {{ var('twin_window_ms') }} * 1000
                and {{ microseconds_apart('spans.ended_at', 'identified.ended_at') }}
                <= {{ var('twin_window_ms') }} * 1000
        where spans.response_id is null and identified.response_id is not null
    {% endcall %}

),

answered_spans as (

    select
        spans.*,
        coalesce(spans.response_id, twins.response_id) as answered_response_id,
        -- The span that knows the id: itself or its twin.
        coalesce(twins.twin_trace_key, spans.trace_key) as answered_trace_key,
        coalesce(twins.twin_span_key, spans.span_key) as answered_span_key
    from billable_spans as spans
    left join twins
        on spans.trace_key = twins.trace_key and spans.span_key = twins.span_key

)

select
    spans.trace_key,
    spans.span_key,
    spans.own_id,
    spans.outer_call_key,
    spans.stated_parent_key,
    spans.span_name,
    spans.format,
    spans.reporter,
    spans.session_id,
    spans.is_finely_timed,
    spans.is_agent_report,
    spans.started_at,
    spans.ended_at,
    spans.model_name,
    spans.has_usage,
    spans.all_input_tokens,
    spans.all_output_tokens,
    spans.answered_response_id as response_id,
    spans.response_id is not null as is_identified,
    spans.answered_trace_key,
    coalesce(outermost_reports.outermost_key, spans.answered_span_key) as answered_head_key,
    wrappers.span_key is not null or claiming_spans.span_key is not null as is_wrapper
from answered_spans as spans
left join outermost_reports
    on
        spans.answered_trace_key = outermost_reports.trace_key
        and spans.answered_span_key = outermost_reports.span_key
left join wrappers
    on spans.trace_key = wrappers.trace_key and spans.span_key = wrappers.span_key
left join claiming_spans
    on spans.trace_key = claiming_spans.trace_key and spans.span_key = claiming_spans.span_key
