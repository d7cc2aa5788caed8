{% set limit = var('response_id_reuse_minutes') * 60000000 %}
with reports as (

    select * from {{ ref('int_response_reports') }}

),

leading_reports as (

    select * from reports
    where is_leading

),

requests as (

    select
        response_id,
        stretch_no,
        request_no,
        min(begins_at) as begins_at,
        max(ends_at) as ends_at
    from leading_reports
    group by response_id, stretch_no, request_no

),

other_reports as (

    select reports.*
    from reports
    left join leading_reports as leaders
        on
            reports.response_id = leaders.response_id
            and reports.trace_key = leaders.trace_key
            and reports.head_key = leaders.head_key
    where reports.is_of_head and leaders.response_id is null

),

other_requests as (

    select
        response_id,
        stretch_no,
        reporter,
        request_no as report_no,
        min(begins_at) as begins_at,
        max(ends_at) as ends_at
    from other_reports
    group by response_id, stretch_no, reporter, request_no

),

timeline as (

    select
        *,
        cast(null as bigint) as request_no
    from other_requests

    union all

    select
        response_id,
        stretch_no,
        null as reporter,
        null as report_no,
        begins_at,
        ends_at,
        request_no
    from requests

),

-- Requests are numbered as they begin, so a report is of the last one that began before it, or of the next.
preceding_requests as (

    select
        *,
        coalesce(max(request_no) over (
            partition by response_id, stretch_no
            order by begins_at, {{ in_order('request_no') }}
            rows between unbounded preceding and current row
        ), -1) as preceding_no
    from timeline

),

possible_requests as (

    select
        reports.response_id,
        reports.stretch_no,
        reports.reporter,
        reports.report_no,
        requests.request_no,
        greatest(greatest(reports.begins_at, requests.begins_at) - least(reports.ends_at, requests.ends_at), 0) as gap,
        abs(reports.begins_at - requests.begins_at) + abs(reports.ends_at - requests.ends_at) as distance
    from preceding_requests as reports
    inner join requests
        on
            reports.response_id = requests.response_id
            and reports.stretch_no = requests.stretch_no
            and requests.request_no between reports.preceding_no and reports.preceding_no + 1
    where reports.request_no is null

),

nearest_requests as (

    {% call first_rows(
        partition_by="response_id, stretch_no, reporter, report_no", order_by="gap, distance, request_no"
    ) %}
        select *
        from possible_requests
        where gap <= {{ limit }}
    {% endcall %}

),

-- Each request takes one report of a reporter.
matched_requests as (

    {% call first_rows(
        partition_by="response_id, stretch_no, reporter, request_no", order_by="gap, distance, report_no"
    ) %}
        select *
        from nearest_requests
    {% endcall %}

),

-- The rest was too far from each request, or only others saw it: reports near each other are of as many requests as the
-- reporter with most of them saw.
unmatched_gaps as (

    select
        others.*,
        others.begins_at > max(others.ends_at) over (
            partition by others.response_id, others.stretch_no
            order by others.begins_at, others.reporter, others.report_no
            rows between unbounded preceding and 1 preceding
        ) + {{ limit }} as is_later
    from other_requests as others
    left join matched_requests as matched
        on
            others.response_id = matched.response_id
            and others.stretch_no = matched.stretch_no
            and others.reporter = matched.reporter
            and others.report_no = matched.report_no
    where matched.request_no is null

),

unmatched_stretches as (

    select
        *,
        sum(case when is_later then 1 else 0 end) over (
            partition by response_id, stretch_no
            order by begins_at, reporter, report_no
            rows between unbounded preceding and current row
        ) as rest_no
    from unmatched_gaps

),

numbered_requests as (

    select
        response_id,
        stretch_no,
        reporter,
        report_no,
        -1 as rest_no,
        request_no
    from matched_requests

    union all

    select
        response_id,
        stretch_no,
        reporter,
        report_no,
        rest_no,
        row_number() over (
            partition by response_id, stretch_no, rest_no, reporter
            order by begins_at, report_no
        ) as request_no
    from unmatched_stretches

),

numbered_reports as (

    select
        response_id,
        trace_key,
        head_key,
        stretch_no,
        -1 as rest_no,
        request_no
    from leading_reports

    union all

    select
        reports.response_id,
        reports.trace_key,
        reports.head_key,
        reports.stretch_no,
        numbered.rest_no,
        numbered.request_no
    from other_reports as reports
    inner join numbered_requests as numbered
        on
            reports.response_id = numbered.response_id
            and reports.stretch_no = numbered.stretch_no
            and reports.reporter = numbered.reporter
            and reports.request_no = numbered.report_no

),

calls as (

    select
        numbered.response_id,
        numbered.stretch_no,
        numbered.rest_no,
        numbered.request_no,
        {{ row_key('numbered.response_id') }} as response_key,
        min(reports.own_id) as own_id,
        min(reports.begins_at) as begins_at,
        max(reports.has_usage) as has_usage
    from numbered_reports as numbered
    inner join reports
        on
            numbered.response_id = reports.response_id
            and numbered.trace_key = reports.trace_key
            and numbered.head_key = reports.head_key
    group by numbered.response_id, numbered.stretch_no, numbered.rest_no, numbered.request_no

),

billed_responses as (

    select distinct response_key
    from {{ ref('int_charges') }}
    where response_key is not null

),

ranked_calls as (

    select
        calls.*,
        billed_responses.response_key is not null as is_on_bill,
        count(*) over (partition by calls.response_id) > 1 as is_reused,
        row_number() over (
            partition by calls.response_id
            order by calls.has_usage desc, calls.begins_at, calls.own_id
        ) = 1 as is_first
    from calls
    left join billed_responses on calls.response_key = billed_responses.response_key

)

-- The first call that was answered keeps the id. A bill that lists the id shows that there was only one call.
select
    reports.response_id,
    reports.trace_key,
    reports.head_key,
    case when calls.is_first or calls.is_on_bill then calls.response_id else calls.own_id end as call_id,
    case when calls.is_reused then calls.response_key end as reused_key,
    calls.is_on_bill
from numbered_reports as reports
inner join ranked_calls as calls
    on
        reports.response_id = calls.response_id
        and reports.stretch_no = calls.stretch_no
        and reports.rest_no = calls.rest_no
        and reports.request_no = calls.request_no
