{{ replaces_touched("trace_key", by="trace") }}
{% set same_report = "spans.trace_key, spans.stated_parent_key, spans.span_name, spans.model_name, "
    ~ "spans.all_input_tokens, spans.all_output_tokens, spans.started_at, spans.ended_at" %}
{% set nesting_reports %}
spans as (

    select
        spans.*,
        response_calls.reused_key,
        response_calls.is_on_bill,
        coalesce(response_calls.call_id, spans.response_id) as answered_id
    from {{ ref('int_billable_spans') }} as spans
    left join {{ ref('int_response_calls') }} as response_calls
        on
            spans.response_id = response_calls.response_id
            and spans.answered_trace_key = response_calls.trace_key
            and spans.answered_head_key = response_calls.head_key

),

model_names as (

    select * from {{ ref('int_stated_models') }}

),

-- Spans whose request exactly one log record reports, with the same counts or others.
logged_spans as (

    select
        trace_key,
        stated_parent_key as span_key,
        min(span_key) as log_span_key
    from spans
    where format = 'otlp_logs' and stated_parent_key is not null
    group by trace_key, stated_parent_key
    having count(*) = 1

),

simultaneous_spans as (

    select
        trace_key,
        started_at,
        ended_at
    from spans
    where has_usage and not is_wrapper and started_at is not null and ended_at is not null
    group by trace_key, started_at, ended_at
    having count(*) > 1

),

-- Spans that agree in all that they say of a request.
copies as (

    select
        spans.trace_key,
        spans.span_key,
        first_value(spans.span_key) over (
            partition by {{ same_report }}
            order by coalesce(spans.answered_id, '~') || spans.own_id
        ) as first_span_key,
        min(spans.answered_id) over (partition by {{ same_report }}) as answered_id,
        min(spans.own_id) over (partition by {{ same_report }}) as own_id,
        -- Two requests never share times finer than a millisecond, unless each has an answer of its own.
        min(case when spans.is_finely_timed then 1 else 0 end) over (partition by {{ same_report }}) = 1
        and min(spans.answered_id) over (partition by {{ same_report }})
        is not distinct from max(spans.answered_id) over (partition by {{ same_report }}) as is_one
    from simultaneous_spans
    inner join spans
        on
            simultaneous_spans.trace_key = spans.trace_key
            and simultaneous_spans.started_at = spans.started_at
            and simultaneous_spans.ended_at = spans.ended_at
    where spans.has_usage and not spans.is_wrapper and spans.all_input_tokens + spans.all_output_tokens > 0
    qualify count(*) over (partition by {{ same_report }}) > 1

),

-- Only the first of several copies takes part in nesting.
nestable_spans as (

    select
        spans.*,
        logged_spans.log_span_key,
        coalesce(copies.first_span_key, spans.span_key) as standing_key
    from spans
    left join copies
        on spans.trace_key = copies.trace_key and spans.span_key = copies.span_key and copies.is_one
    left join logged_spans
        on spans.trace_key = logged_spans.trace_key and spans.span_key = logged_spans.span_key
    where not spans.is_wrapper and (spans.has_usage or logged_spans.span_key is not null)

),

-- A gateway and an SDK, or two instrumentations, report one request: nested, with the same tokens.
nested_pairs as (

    select
        outer_span.trace_key,
        outer_span.standing_key as span_key,
        outer_span.span_key as outer_span_key,
        inner_span.span_key as inner_span_key,
        inner_span.started_at as inner_started_at,
        outer_span.model_name,
        inner_span.model_name as inner_model_name,
        inner_span.response_id is null or outer_span.response_id is null as is_one_answer,
        coalesce(inner_span.answered_id != outer_span.answered_id, false) as is_answered_twice
    from nestable_spans as inner_span
    inner join nestable_spans as outer_span
        on inner_span.trace_key = outer_span.trace_key and inner_span.outer_call_key = outer_span.span_key
    where
        inner_span.standing_key = inner_span.span_key
        and (
            (
                inner_span.has_usage and outer_span.has_usage
                and inner_span.all_input_tokens = outer_span.all_input_tokens
                and inner_span.all_output_tokens = outer_span.all_output_tokens
            )
            or coalesce(inner_span.span_key = outer_span.log_span_key, false)
        )

),

-- Two known models are two requests. A name that no alias knows (a deployment, a gateway's alias, a class) may be either
-- model.
different_models as (

    select
        pairs.model_name,
        pairs.inner_model_name
    from nested_pairs as pairs
    inner join model_names as names on pairs.model_name = names.model_name
    inner join model_names as inner_names on pairs.inner_model_name = inner_names.model_name
    where pairs.model_name != pairs.inner_model_name
    group by pairs.model_name, pairs.inner_model_name
    having max(case
        when
            names.model = inner_names.model
            and (names.snapshot = inner_names.snapshot or names.snapshot = '' or inner_names.snapshot = '')
            then 1
        else 0
    end) = 0

),

same_model_pairs as (

    select pairs.*
    from nested_pairs as pairs
    left join different_models as different
        on pairs.model_name = different.model_name and pairs.inner_model_name = different.inner_model_name
    where different.model_name is null

),
{% endset %}
{% set nested_reports %}
-- Of several spans within a span, the first repeats its report; the others are requests of their own.
nested_reports as (

    {% call set_aside('nested_reports', nesting_reports) %}
        {% call first_rows(
            partition_by="pairs.trace_key, pairs.outer_span_key",
            order_by="pairs.inner_started_at, pairs.inner_span_key"
        ) %}
            select
                pairs.trace_key,
                pairs.span_key,
                pairs.inner_span_key
            from same_model_pairs as pairs
            where pairs.is_one_answer
        {% endcall %}
    {% endcall %}

),
{% endset %}
{% set outermost_reports %}
    select distinct
        nested_reports.trace_key,
        nested_reports.span_key as outermost_span_key,
        nested_reports.span_key,
        0 as depth
    from nested_reports
    left join nested_reports as outer_reports
        on
            nested_reports.trace_key = outer_reports.trace_key
            and nested_reports.span_key = outer_reports.inner_span_key
    where outer_reports.span_key is null
{% endset %}
with recursive {{ nesting_reports }}

{{ nested_reports }}

nested_chains as (

    {% call(nested_chains) reached_from('nested_chains', outermost_reports, nested_reports, level='depth') %}
        select
            nested_chains.trace_key,
            nested_chains.outermost_span_key,
            nested_reports.inner_span_key as span_key,
            nested_chains.depth + 1 as depth
        from {{ nested_chains }}
        inner join nested_reports
            on
                nested_chains.trace_key = nested_reports.trace_key
                and nested_chains.span_key = nested_reports.span_key
    {% endcall %}

),

chain_ids as (

    select
        chains.trace_key,
        chains.span_key,
        min(spans.answered_id) over (partition by chains.trace_key, chains.outermost_span_key) as answered_id,
        min(spans.own_id) over (partition by chains.trace_key, chains.outermost_span_key) as own_id
    from nested_chains as chains
    inner join spans
        on chains.trace_key = spans.trace_key and chains.span_key = spans.span_key

),

-- Reports of a coding agent that share no id: its log and its session's file, for instance.
agent_reports as (

    {% call first_rows(
        partition_by="later.trace_key, later.span_key",
        order_by=["(earlier.answered_id is not null) desc", "earlier.format", "earlier.own_id"]
    ) %}
        select
            later.trace_key,
            later.span_key,
            earlier.answered_id,
            earlier.own_id
        from spans as later
        inner join spans as earlier
            on
                later.session_id = earlier.session_id
                and later.model_name = earlier.model_name
                and later.all_input_tokens = earlier.all_input_tokens
                and later.all_output_tokens = earlier.all_output_tokens
                and later.format != earlier.format
        where
            later.is_agent_report and later.has_usage and not later.is_wrapper and later.answered_id is null
            and earlier.is_agent_report and earlier.has_usage and not earlier.is_wrapper
            and (earlier.answered_id is not null or earlier.format < later.format)
            and {{ microseconds_apart('later.ended_at', 'earlier.ended_at') }} <= 1000000
    {% endcall %}

),

span_calls as (

    select
        spans.trace_key,
        spans.span_key,
        coalesce(
            spans.answered_id, chain_ids.answered_id, copies.answered_id, agent_reports.answered_id,
            agent_reports.own_id, chain_ids.own_id, copies.own_id, spans.own_id
        ) as call_id,
        coalesce(
            spans.answered_id, chain_ids.answered_id, copies.answered_id, agent_reports.answered_id
        ) is not null as is_answered,
        spans.is_identified,
        spans.is_wrapper,
        spans.reused_key,
        spans.is_on_bill
    from spans
    left join copies
        on spans.trace_key = copies.trace_key and spans.span_key = copies.span_key and copies.is_one
    left join chain_ids
        on
            spans.trace_key = chain_ids.trace_key
            and coalesce(copies.first_span_key, spans.span_key) = chain_ids.span_key
    left join agent_reports
        on spans.trace_key = agent_reports.trace_key and spans.span_key = agent_reports.span_key

),

-- Reports of one request, by all that they say, under answers of their own: they count until the bill has no room.
suspicions as (

    select
        copies.trace_key,
        copies.span_key,
        nullif(copies.first_span_key, copies.span_key) as copied_span_key
    from copies
    inner join span_calls as calls on copies.trace_key = calls.trace_key and copies.span_key = calls.span_key
    qualify
        min(calls.call_id) over (partition by copies.trace_key, copies.first_span_key)
        < max(calls.call_id) over (partition by copies.trace_key, copies.first_span_key)

    union all

    select
        trace_key,
        outer_span_key as span_key,
        null as copied_span_key
    from same_model_pairs
    where is_answered_twice

    union all

    select
        trace_key,
        inner_span_key as span_key,
        span_key as copied_span_key
    from same_model_pairs
    where is_answered_twice

),

suspected_copies as (

    select
        trace_key,
        span_key,
        min(copied_span_key) as copied_span_key
    from suspicions
    group by trace_key, span_key

)

select
    {{ row_key('calls.call_id') }} as call_key,
    calls.trace_key,
    calls.span_key,
    calls.call_id,
    calls.is_answered,
    calls.is_identified,
    calls.is_wrapper,
    calls.reused_key,
    calls.is_on_bill,
    suspected.span_key is not null as is_suspected_copy,
    -- The report whose copy it may be; the first has none.
    suspected.copied_span_key
from span_calls as calls
left join suspected_copies as suspected
    on calls.trace_key = suspected.trace_key and calls.span_key = suspected.span_key
