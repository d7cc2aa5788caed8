-- one row per billable span: the call that it belongs to
with billable as (

    select
        trace_key,
        span_key,
        trace_id,
        span_id,
        response_id,
        output_key,
        started_at,
        ended_at,
        has_usage
    from {{ ref('stg_telemetry__spans') }}
    where is_billable

),

parents as (

    select * from {{ ref('int_span_parents_resolved') }}

),

-- A billable span that counted nothing and has a billable child is that child's wrapper.
wrappers as (

    select distinct
        billable.trace_key,
        billable.span_key
    from billable as inner_span
    inner join parents
        on inner_span.trace_key = parents.trace_key and inner_span.span_key = parents.span_key
    inner join billable
        on parents.trace_key = billable.trace_key and parents.parent_span_key = billable.span_key
    where not billable.has_usage and billable.response_id is null

),

-- An instrumentation that knows no response id saw the same text at the same time as one that does.
twins as (

    select
        billable.trace_key,
        billable.span_key,
        identified.response_id
    from billable
    inner join billable as identified
        on
            billable.output_key = identified.output_key
            and abs(epoch_us(billable.started_at) - epoch_us(identified.started_at))
            <= {{ var('twin_window_ms') }} * 1000
            and abs(epoch_us(billable.ended_at) - epoch_us(identified.ended_at)) <= {{ var('twin_window_ms') }} * 1000
    where billable.response_id is null and identified.response_id is not null
    qualify row_number() over (
        partition by billable.trace_key, billable.span_key
        order by
            abs(epoch_us(billable.started_at) - epoch_us(identified.started_at))
            + abs(epoch_us(billable.ended_at) - epoch_us(identified.ended_at)),
            identified.response_id
    ) = 1

)

select
    billable.trace_key,
    billable.span_key,
    coalesce(billable.response_id, twins.response_id, billable.trace_id || ':' || billable.span_id) as call_id,
    coalesce(billable.response_id, twins.response_id) as response_id,
    billable.response_id is not null as is_identified,
    wrappers.span_key is not null as is_wrapper
from billable
left join twins
    on billable.trace_key = twins.trace_key and billable.span_key = twins.span_key
left join wrappers
    on billable.trace_key = wrappers.trace_key and billable.span_key = wrappers.span_key
