{{ replaces_touched("trace_key", by="trace") }}
with counted_spans as (

    select
        trace_key,
        span_key,
        adjusted_count,
        is_root_orphan and originating_feature_id is null as is_orphan
    from {{ ref('int_span_attribution') }}
    where
        (adjusted_count > 1 or (adjusted_count = 1 and is_root_orphan and originating_feature_id is null))
        and {{ is_touched('trace_key', 'trace') }}

),

-- A gateway's log lists every request, however few traces were kept.
logged_calls as (

    select distinct reports.call_key
    from {{ ref('int_span_calls') }} as reports
    inner join {{ ref('int_spans_reopened') }} as spans
        on reports.trace_key = spans.trace_key and reports.span_key = spans.span_key
    where spans.format in ('litellm', 'helicone', 'kong', 'envoy') and spans.adjusted_count is null

)

-- A call of several spans counts as the span whose place in a trace it takes.
select
    calls.call_key,
    calls.trace_key,
    calls.service_name,
    counted_spans.adjusted_count,
    -- Its parent was dropped, perhaps because its own service keeps more.
    counted_spans.is_orphan
from {{ ref('int_calls') }} as calls
inner join counted_spans
    on calls.trace_key = counted_spans.trace_key and calls.span_key = counted_spans.span_key
where calls.call_key not in (select logged.call_key from logged_calls as logged)
