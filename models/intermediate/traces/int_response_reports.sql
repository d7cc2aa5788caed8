{% set limit = var('response_id_reuse_minutes') * 60000000 %}
with identified_spans as (

    select
        *,
        {{ microsecond_of('started_at') }} as stated_begin,
        {{ microsecond_of('ended_at') }} as stated_end
    from {{ ref('int_billable_spans') }}
    where is_identified

),

repeated_ids as (

    select response_id
    from identified_spans
    group by response_id
    having count(*) > 1

),

timed_spans as (

    select
        spans.*,
        -- A span without a time goes with the first report.
        coalesce(
            spans.stated_begin, min(spans.stated_begin) over (partition by spans.response_id), 0
        ) as begins_at
    from identified_spans as spans
    inner join repeated_ids on spans.response_id = repeated_ids.response_id

),

reports as (

    select
        response_id,
        trace_key,
        answered_head_key as head_key,
        reporter,
        max(case when span_key = answered_head_key then 1 else 0 end) = 1 as is_of_head,
        min(own_id) as own_id,
        max(case when has_usage then 1 else 0 end) as has_usage,
        min(begins_at) as begins_at,
        max(greatest(coalesce(stated_end, begins_at), begins_at)) as ends_at
    from timed_spans
    group by response_id, trace_key, answered_head_key, reporter

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

-- No reporter reports a request that long after it was over: a later report is of another request.
request_gaps as (

    select
        *,
        begins_at > max(ends_at) over (
            partition by response_id
            order by begins_at, trace_key, head_key
            rows between unbounded preceding and 1 preceding
        ) + {{ limit }} as is_later
    from requests

),

request_stretches as (

    select
        *,
        sum(case when is_later then 1 else 0 end) over (
            partition by response_id
            order by begins_at, trace_key, head_key
            rows between unbounded preceding and current row
        ) as stretch_no
    from request_gaps

),

-- One reporter reports a request once: reports of it that neither overlap nor nest are of different requests.
report_gaps as (

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
    inner join request_stretches as stretches
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

numbered_reports as (

    select
        *,
        sum(case when is_next then 1 else 0 end) over (
            partition by response_id, stretch_no, reporter
            order by begins_at, trace_key, head_key
            rows between unbounded preceding and current row
        ) as request_no
    from report_gaps

),

reporters as (

    select
        response_id,
        stretch_no,
        reporter,
        max(request_no) as last_request_no,
        min(begins_at) as begins_at
    from numbered_reports
    group by response_id, stretch_no, reporter

),

-- The reporter that saw most requests tells them apart; the others' reports belong to these.
leading_reporters as (

    {% call first_rows(
        partition_by="response_id, stretch_no", order_by="last_request_no desc, begins_at, reporter"
    ) %}
        select * from reporters
    {% endcall %}

)

select
    reports.response_id,
    reports.trace_key,
    reports.head_key,
    reports.reporter,
    reports.reporter = leaders.reporter as is_leading,
    reports.is_of_head,
    reports.own_id,
    reports.has_usage,
    reports.begins_at,
    reports.ends_at,
    reports.stretch_no,
    reports.request_no
from numbered_reports as reports
inner join leading_reporters as leaders
    on reports.response_id = leaders.response_id and reports.stretch_no = leaders.stretch_no
