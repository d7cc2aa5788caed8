{{ replaces_touched("trace_key", by=none) }}
with spans as (

    select * from {{ ref('stg_telemetry__spans') }}
    where {{ is_new_file('file_id') }}

),

link_ends as (

    {{ link_ends('spans') }}

)

select distinct
    trace_key,
    started_on as day,
    'trace' as kind,
    trace_key as tie_key
from spans

union all

select
    trace_key,
    cast(null as date) as day,
    'cause' as kind,
    link_trace_key as tie_key
from link_ends

union all

-- The call that this response is, in whatever trace it is reported; and a bill's line of it.
select
    trace_key,
    started_on as day,
    'call' as kind,
    {{ row_key('response_id') }} as tie_key
from spans
where response_id is not null

union all

-- Twins begin in one window, or in two that touch.
select
    spans.trace_key,
    spans.started_on as day,
    'call' as kind,
    {{ row_key(
        "spans.output_key || ':' || ("
        ~ whole_quotient(microsecond_of('spans.started_at'), 1000 * var('twin_window_ms')) ~ " + beside.windows)"
    ) }} as tie_key
from spans
cross join (values (0), (1)) as beside (windows)
where spans.output_key is not null and spans.started_at is not null and spans.is_billable

union all

-- Reports of a coding agent without an id end in one second, or in two that touch.
select
    spans.trace_key,
    spans.started_on as day,
    'call' as kind,
    {{ row_key(
        "'agent:' || spans.session_id || ':' || ("
        ~ whole_quotient(microsecond_of('spans.ended_at'), 1000000) ~ " + beside.seconds)"
    ) }} as tie_key
from spans
cross join (values (0), (1)) as beside (seconds)
where
    spans.session_id is not null and spans.ended_at is not null
    and (
        spans.format in ('otlp_logs', 'claude_code_session', 'codex_rollout')
        or spans.operation_name in ('claude_code.llm_request', 'codex.response')
    )

union all

-- What an agent states may be the sum of its conversation; without one, conversations tie nothing.
select distinct
    trace_key,
    started_on as day,
    case when has_usage and (not is_billable or is_unknown_operation) then 'claim' else 'conversation' end as kind,
    {{ row_key("'session:' || session_id") }} as tie_key
from spans
where session_id is not null

union all

-- Metrics that name no session may count any request that the service made on that day.
select distinct
    trace_key,
    started_on as day,
    case when operation_name = 'usage_metric' then 'claim' else 'conversation' end as kind,
    {{ row_key("'metered:' || service_name || ':' || cast(started_on as string)") }} as tie_key
from spans
where service_name = 'claude-code' and (coalesce(operation_name, '') != 'usage_metric' or session_id is null)
