-- one row per billable span whose response id other spans carry too: the call that it reports
{% set limit = var('response_id_reuse_minutes') * 60000000 %}
{% set carried %}
spans as (

    select * from {{ ref('int_spans_reopened') }}
    where is_billable and response_id is not null

),

repeated as (

    select response_id
    from spans
    group by response_id
    having count(*) > 1

),

-- The nearest billable span above: a call, or one of an unknown operation, which may claim what is beneath it.
outer_calls as (

    select
        walked.trace_key,
        walked.span_key,
        case
            when outer_unknown.depth > coalesce(outer_call.depth, -1) then walked.outer_unknown_key
            else walked.outer_call_key
        end as outer_call_key
    from {{ ref('int_spans_walked') }} as walked
    left join {{ ref('int_spans_walked') }} as outer_call
        on walked.trace_key = outer_call.trace_key and walked.outer_call_key = outer_call.span_key
    left join {{ ref('int_spans_walked') }} as outer_unknown
        on walked.trace_key = outer_unknown.trace_key and walked.outer_unknown_key = outer_unknown.span_key
    where
        (walked.outer_call_key is not null or walked.outer_unknown_key is not null)
        and walked.trace_key in (
            select spans.trace_key
            from spans
            inner join repeated on spans.response_id = repeated.response_id
        )

),

carried as (

    select
        spans.trace_key,
        spans.span_key,
        outer_calls.outer_call_key,
        spans.response_id,
        spans.has_usage,
        spans.trace_id || ':' || spans.span_id as own_id,
        -- A reporter is the instrumentation of a service, in one export format.
        coalesce(spans.service_name, '') || '|' || coalesce(spans.scope_name, '') || '|' || spans.format as reporter,
        {{ microsecond_of('spans.started_at') }} as stated_begin,
        {{ microsecond_of('spans.ended_at') }} as stated_end
    from repeated
    inner join spans on repeated.response_id = spans.response_id
    left join outer_calls
        on spans.trace_key = outer_calls.trace_key and spans.span_key = outer_calls.span_key

),
{% endset %}
{% set first %}
    select
        trace_key,
        span_key,
        response_id,
        outer_call_key as above_key,
        1 as level
    from carried
    where outer_call_key is not null
{% endset %}
with recursive {{ carried }}

above as (

    {% call(above) reached_from('above', first, carried, level='level') %}
        select
            above.trace_key,
            above.span_key,
            above.response_id,
            outer_calls.outer_call_key as above_key,
            above.level + 1 as level
        from {{ above }}
        inner join outer_calls on above.trace_key = outer_calls.trace_key and above.above_key = outer_calls.span_key
        where above.level < {{ var('max_claim_levels') }}
    {% endcall %}

),

-- Nested spans with one id report one request, whatever their times.
outermost as (

    {% call first_rows(partition_by="above.trace_key, above.span_key", order_by="above.level desc") %}
        select
            above.trace_key,
            above.span_key,
            above.above_key
        from above
        inner join carried
            on
                above.trace_key = carried.trace_key
                and above.above_key = carried.span_key
                and above.response_id = carried.response_id
    {% endcall %}

),

placed as (

    select
        carried.*,
        coalesce(outermost.above_key, carried.span_key) as head_key,
        -- A span without a time shows nothing: it goes with the first.
        coalesce(
            carried.stated_begin, min(carried.stated_begin) over (partition by carried.response_id), 0
        ) as begins_at
    from carried
    left join outermost
        on carried.trace_key = outermost.trace_key and carried.span_key = outermost.span_key

),

reports as (

    select
        response_id,
        trace_key,
        head_key,
        reporter,
        max(case when span_key = head_key then 1 else 0 end) = 1 as is_of_head,
        min(begins_at) as begins_at,
        max(greatest(coalesce(stated_end, begins_at), begins_at)) as ends_at
    from placed
    group by response_id, trace_key, head_key, reporter

),

requests as (

    select
        response_id,
        trace_key,
        head_key,
        min(begins_at) as begins_at,
        max(ends_at) as ends_at
    from reports
    group by response_id, trace_key, head_key

),

-- Nobody reports a request so long after it was over.
parted_by_time as (

    select
        *,
        begins_at > max(ends_at) over (
            partition by response_id
            order by begins_at, trace_key, head_key
            rows between unbounded preceding and 1 preceding
        ) + {{ limit }} as is_later
    from requests

),

stretches as (

    select
        *,
        sum(case when is_later then 1 else 0 end) over (
            partition by response_id
            order by begins_at, trace_key, head_key
            rows between unbounded preceding and current row
        ) as stretch_no
    from parted_by_time

),

-- One reporter reports a request once: what neither overlaps nor nests is another request.
parted_by_reporter as (

    select
        reports.*,
        stretches.stretch_no,
        coalesce(reports.begins_at > max(reports.ends_at) over earlier or (
            -- A request may begin as another ends; an event without a length lies at the end of its own.
            reports.begins_at = max(reports.ends_at) over earlier
            and reports.ends_at > reports.begins_at
            and max(reports.begins_at) over earlier < reports.begins_at
        ), false) as is_next
    from reports
    inner join stretches
        on
            reports.response_id = stretches.response_id
            and reports.trace_key = stretches.trace_key
            and reports.head_key = stretches.head_key
    window earlier as (
        partition by reports.response_id, stretches.stretch_no, reports.reporter
        order by reports.begins_at, reports.trace_key, reports.head_key
        rows between unbounded preceding and 1 preceding
    )

),

numbered as (

    select
        *,
        sum(case when is_next then 1 else 0 end) over (
            partition by response_id, stretch_no, reporter
            order by begins_at, trace_key, head_key
            rows between unbounded preceding and current row
        ) as request_no
    from parted_by_reporter

),

seen as (

    select
        response_id,
        stretch_no,
        reporter,
        max(request_no) as last_request_no,
        min(begins_at) as begins_at
    from numbered
    group by response_id, stretch_no, reporter

),

-- Whoever saw most requests tells them apart; the others' reports belong to these.
leaders as (

    {% call first_rows(
        partition_by="response_id, stretch_no", order_by="last_request_no desc, begins_at, reporter"
    ) %}
        select *
        from seen
    {% endcall %}

),

led as (

    select numbered.*
    from numbered
    inner join leaders
        on
            numbered.response_id = leaders.response_id
            and numbered.stretch_no = leaders.stretch_no
            and numbered.reporter = leaders.reporter

),

uses as (

    select
        response_id,
        stretch_no,
        request_no,
        min(begins_at) as begins_at,
        max(ends_at) as ends_at
    from led
    group by response_id, stretch_no, request_no

),

unled as (

    select numbered.*
    from numbered
    left join led
        on
            numbered.response_id = led.response_id
            and numbered.trace_key = led.trace_key
            and numbered.head_key = led.head_key
    where numbered.is_of_head and led.response_id is null

),

others as (

    select
        response_id,
        stretch_no,
        reporter,
        request_no,
        min(begins_at) as begins_at,
        max(ends_at) as ends_at
    from unled
    group by response_id, stretch_no, reporter, request_no

),

timeline as (

    select
        response_id,
        stretch_no,
        reporter,
        request_no,
        begins_at,
        ends_at,
        cast(null as bigint) as use_no
    from others

    union all

    select
        response_id,
        stretch_no,
        null as reporter,
        null as request_no,
        begins_at,
        ends_at,
        request_no as use_no
    from uses

),

-- Uses are numbered as they begin: the last before a report, or the next, is its own.
beside as (

    select
        *,
        coalesce(max(use_no) over (
            partition by response_id, stretch_no
            order by begins_at, {{ in_order('use_no') }}
            rows between unbounded preceding and current row
        ), -1) as last_use_no
    from timeline

),

compared as (

    select
        beside.response_id,
        beside.stretch_no,
        beside.reporter,
        beside.request_no,
        uses.request_no as use_no,
        greatest(beside.begins_at, uses.begins_at) - least(beside.ends_at, uses.ends_at) as gap,
        abs(beside.begins_at - uses.begins_at) + abs(beside.ends_at - uses.ends_at) as distance
    from beside
    inner join uses
        on
            beside.response_id = uses.response_id
            and beside.stretch_no = uses.stretch_no
            and uses.request_no between beside.last_use_no and beside.last_use_no + 1
    where beside.use_no is null

),

nearest as (

    {% call first_rows(
        partition_by="response_id, stretch_no, reporter, request_no", order_by="greatest(gap, 0), distance, use_no"
    ) %}
        select *
        from compared
        where gap <= {{ limit }}
    {% endcall %}

),

-- Each use takes one report of a reporter.
taken as (

    {% call first_rows(
        partition_by="response_id, stretch_no, reporter, use_no", order_by="greatest(gap, 0), distance, request_no"
    ) %}
        select *
        from nearest
    {% endcall %}

),

-- The rest was too far from each, or seen by others only: what lies near each other is one, by as many as report it.
rest as (

    select
        others.*,
        others.begins_at > max(others.ends_at) over (
            partition by others.response_id, others.stretch_no
            order by others.begins_at, others.reporter, others.request_no
            rows between unbounded preceding and 1 preceding
        ) + {{ limit }} as is_later
    from others
    left join taken
        on
            others.response_id = taken.response_id
            and others.stretch_no = taken.stretch_no
            and others.reporter = taken.reporter
            and others.request_no = taken.request_no
    where taken.use_no is null

),

rest_stretches as (

    select
        *,
        sum(case when is_later then 1 else 0 end) over (
            partition by response_id, stretch_no
            order by begins_at, reporter, request_no
            rows between unbounded preceding and current row
        ) as rest_no
    from rest

),

rest_uses as (

    select
        response_id,
        stretch_no,
        reporter,
        request_no,
        rest_no,
        row_number() over (
            partition by response_id, stretch_no, rest_no, reporter
            order by begins_at, request_no
        ) as use_no
    from rest_stretches

),

heads as (

    select
        response_id,
        trace_key,
        head_key,
        stretch_no,
        -1 as rest_no,
        request_no as use_no
    from led

    union all

    select
        unled.response_id,
        unled.trace_key,
        unled.head_key,
        unled.stretch_no,
        coalesce(rest_uses.rest_no, -1) as rest_no,
        coalesce(rest_uses.use_no, taken.use_no) as use_no
    from unled
    left join taken
        on
            unled.response_id = taken.response_id
            and unled.stretch_no = taken.stretch_no
            and unled.reporter = taken.reporter
            and unled.request_no = taken.request_no
    left join rest_uses
        on
            unled.response_id = rest_uses.response_id
            and unled.stretch_no = rest_uses.stretch_no
            and unled.reporter = rest_uses.reporter
            and unled.request_no = rest_uses.request_no

),

called as (

    select
        heads.response_id,
        heads.stretch_no,
        heads.rest_no,
        heads.use_no,
        min(placed.own_id) as own_id,
        min(placed.begins_at) as begins_at,
        max(case when placed.has_usage then 1 else 0 end) as has_usage
    from heads
    inner join placed
        on
            heads.response_id = placed.response_id
            and heads.trace_key = placed.trace_key
            and heads.head_key = placed.head_key
    group by heads.response_id, heads.stretch_no, heads.rest_no, heads.use_no

),

billed as (

    select distinct response_key
    from {{ ref('int_charges_standing') }}
    where response_key is not null

),

-- The first that was answered keeps the id. A bill that lists the id shows that there was one call.
ranked as (

    select
        called.*,
        {{ row_key('called.response_id') }} as response_key,
        count(*) over (partition by called.response_id) > 1 as is_reused,
        row_number() over (
            partition by called.response_id
            order by called.has_usage desc, called.begins_at, called.own_id
        ) = 1 as is_first
    from called

)

select
    placed.trace_key,
    placed.span_key,
    placed.response_id,
    case when ranked.is_first or billed.response_key is not null then ranked.response_id else ranked.own_id end
        as call_id,
    case when ranked.is_reused then ranked.response_key end as reused_key,
    billed.response_key is not null as is_on_bill
from ranked
left join billed on ranked.response_key = billed.response_key
inner join heads
    on
        ranked.response_id = heads.response_id
        and ranked.stretch_no = heads.stretch_no
        and ranked.rest_no = heads.rest_no
        and ranked.use_no = heads.use_no
inner join placed
    on
        heads.response_id = placed.response_id
        and heads.trace_key = placed.trace_key
        and heads.head_key = placed.head_key
