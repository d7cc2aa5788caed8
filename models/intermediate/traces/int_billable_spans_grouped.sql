-- one row per billable span: the call that it belongs to
{{ replaces_touched("trace_key", by="trace") }}
{% set given %}
identified as (

    select
        spans.*,
        uses.reused_key,
        uses.is_on_bill,
        spans.trace_id || ':' || spans.span_id as own_id,
        coalesce(uses.call_id, spans.response_id) as answered_id
    from {{ ref('int_billable_spans_identified') }} as spans
    left join {{ ref('int_response_ids_split') }} as uses
        on spans.answered_trace_key = uses.trace_key and spans.answered_span_key = uses.span_key

),

names as (

    select * from {{ ref('int_model_names_resolved') }}

),

-- A span of whose request one log record tells, with its counts or others.
logged_spans as (

    select
        trace_key,
        stated_parent_key as span_key,
        min(span_key) as log_span_key
    from identified
    where format = 'otlp_logs' and stated_parent_key is not null
    group by trace_key, stated_parent_key
    having count(*) = 1

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
        from identified as later
        inner join identified as earlier
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

simultaneous as (

    select
        trace_key,
        started_at,
        ended_at
    from identified
    where has_usage and not is_wrapper and started_at is not null and ended_at is not null
    group by trace_key, started_at, ended_at
    having count(*) > 1

),

{% set said_alike = [
    'trace_key', 'stated_parent_key', 'span_name', 'model_name', 'all_input_tokens', 'all_output_tokens', 'started_at',
    'ended_at'
] %}
alike as (

    select
        identified.{{ said_alike | join(',\n        identified.') }},
        min_by(identified.span_key, coalesce(identified.answered_id, '~') || identified.own_id) as first_span_key,
        min(identified.answered_id) as answered_id,
        min(identified.own_id) as own_id,
        -- Two requests never share times finer than a millisecond, unless each has an answer of its own.
        min(case when identified.is_finely_timed then 1 else 0 end) = 1
        and count(distinct identified.answered_id) < 2 as is_one
    from simultaneous
    inner join identified
        on
            simultaneous.trace_key = identified.trace_key
            and simultaneous.started_at = identified.started_at
            and simultaneous.ended_at = identified.ended_at
    where
        identified.has_usage and not identified.is_wrapper
        and identified.all_input_tokens + identified.all_output_tokens > 0
    group by identified.{{ said_alike | join(', identified.') }}
    having count(*) > 1

),

copies as (

    select
        identified.trace_key,
        identified.span_key,
        alike.first_span_key,
        alike.answered_id,
        alike.own_id,
        alike.is_one
    from alike
    inner join identified
        on
            {% for column in said_alike -%}
                alike.{{ column }} {{ 'is not distinct from' if column in ['stated_parent_key', 'span_name', 'model_name']
                    else '=' }} identified.{{ column }}
                {{- ' and ' if not loop.last }}
            {% endfor %}
    where identified.has_usage and not identified.is_wrapper

),

-- Only the first of several copies takes part in nesting.
outer_spans as (

    select
        identified.*,
        logged_spans.log_span_key,
        coalesce(copies.first_span_key, identified.span_key) as standing_key
    from identified
    left join copies
        on identified.trace_key = copies.trace_key and identified.span_key = copies.span_key and copies.is_one
    left join logged_spans
        on identified.trace_key = logged_spans.trace_key and identified.span_key = logged_spans.span_key
    where not identified.is_wrapper and (identified.has_usage or logged_spans.span_key is not null)

),

-- A gateway and an SDK, or two instrumentations, report one request: nested, with the same tokens.
nesting as (

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
    from outer_spans as inner_span
    inner join outer_spans as outer_span
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

-- Two known models are two requests. A name that no alias knows (a deployment, a gateway's alias, a class) may be either.
differing as (

    select
        pairs.model_name,
        pairs.inner_model_name
    from (select distinct
        model_name,
        inner_model_name
    from nesting
    where model_name != inner_model_name) as pairs
    inner join names on pairs.model_name = names.model_name
    inner join names as inner_names on pairs.inner_model_name = inner_names.model_name
    group by pairs.model_name, pairs.inner_model_name
    having max(case
        when
            names.model = inner_names.model
            and (names.snapshot = inner_names.snapshot or names.snapshot = '' or inner_names.snapshot = '')
            then 1
        else 0
    end) = 0

),

same as (

    select nesting.*
    from nesting
    left join differing
        on nesting.model_name = differing.model_name and nesting.inner_model_name = differing.inner_model_name
    where differing.model_name is null

),
{% endset %}
{% set nested %}
nested as (

    {% call set_aside('nested', given) %}
        {% call first_rows(
            partition_by="same.trace_key, same.outer_span_key", order_by="same.inner_started_at, same.inner_span_key"
        ) %}
            select
                same.trace_key,
                same.span_key,
                same.inner_span_key
            from same
            where same.is_one_answer
        {% endcall %}
    {% endcall %}

),
{% endset %}
{% set first %}
    select distinct
        nested.trace_key,
        nested.span_key as outermost_span_key,
        nested.span_key,
        0 as depth
    from nested
    left join nested as above
        on nested.trace_key = above.trace_key and nested.span_key = above.inner_span_key
    where above.span_key is null
{% endset %}
with recursive {{ given }}

{{ nested }}

chains as (

    {% call(chains) reached_from('chains', first, nested, level='depth') %}
        select
            chains.trace_key,
            chains.outermost_span_key,
            nested.inner_span_key as span_key,
            chains.depth + 1 as depth
        from {{ chains }}
        inner join nested
            on chains.trace_key = nested.trace_key and chains.span_key = nested.span_key
    {% endcall %}

),

reported as (

    select
        chains.trace_key,
        chains.span_key,
        min(identified.answered_id) over (partition by chains.trace_key, chains.outermost_span_key) as answered_id,
        min(identified.own_id) over (partition by chains.trace_key, chains.outermost_span_key) as own_id
    from chains
    inner join identified
        on chains.trace_key = identified.trace_key and chains.span_key = identified.span_key

),

named as (

    select
        identified.trace_key,
        identified.span_key,
        coalesce(
            identified.answered_id, reported.answered_id, copies.answered_id, agent_reports.answered_id,
            agent_reports.own_id, reported.own_id, copies.own_id, identified.own_id
        ) as call_id,
        coalesce(
            identified.answered_id, reported.answered_id, copies.answered_id, agent_reports.answered_id
        ) is not null as is_answered,
        identified.is_identified,
        identified.is_wrapper,
        identified.reused_key,
        identified.is_on_bill
    from identified
    left join copies
        on identified.trace_key = copies.trace_key and identified.span_key = copies.span_key and copies.is_one
    left join reported
        on
            identified.trace_key = reported.trace_key
            and coalesce(copies.first_span_key, identified.span_key) = reported.span_key
    left join agent_reports
        on identified.trace_key = agent_reports.trace_key and identified.span_key = agent_reports.span_key

),

-- Reports of one request, by all that they say, under answers of their own: they count until the bill has no room.
suspicions as (

    select
        copies.trace_key,
        copies.span_key,
        nullif(copies.first_span_key, copies.span_key) as copied_span_key
    from copies
    inner join (
        select
            copies.trace_key,
            copies.first_span_key
        from copies
        inner join named on copies.trace_key = named.trace_key and copies.span_key = named.span_key
        group by copies.trace_key, copies.first_span_key
        having min(named.call_id) < max(named.call_id)
    ) as counted_apart
        on copies.trace_key = counted_apart.trace_key and copies.first_span_key = counted_apart.first_span_key

    union all

    select
        trace_key,
        outer_span_key as span_key,
        null as copied_span_key
    from same
    where is_answered_twice

    union all

    select
        trace_key,
        inner_span_key as span_key,
        span_key as copied_span_key
    from same
    where is_answered_twice

),

suspected as (

    select
        trace_key,
        span_key,
        min(copied_span_key) as copied_span_key
    from suspicions
    group by trace_key, span_key

)

select
    {{ row_key('named.call_id') }} as call_key,
    named.*,
    suspected.span_key is not null as is_suspected_copy,
    -- The report whose copy it may be; the first has none.
    suspected.copied_span_key
from named
left join suspected
    on named.trace_key = suspected.trace_key and named.span_key = suspected.span_key
