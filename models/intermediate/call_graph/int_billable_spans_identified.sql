-- one row per billable span: the response id that it or its twin knows, and whether it counted anything of its own
with billable as (

    select
        spans.trace_key,
        spans.span_key,
        parents.parent_span_key,
        spans.trace_id,
        spans.span_id,
        spans.response_id,
        spans.output_key,
        spans.started_at,
        spans.ended_at,
        spans.has_usage,
        spans.model_name,
        spans.all_input_tokens,
        spans.all_output_tokens
    from {{ ref('stg_telemetry__spans') }} as spans
    inner join {{ ref('int_span_parents_resolved') }} as parents
        on spans.trace_key = parents.trace_key and spans.span_key = parents.span_key
    where spans.is_billable

),

families as (

    select
        trace_key,
        parent_span_key,
        count(*) as children,
        sum(all_input_tokens) as input_tokens,
        sum(all_output_tokens) as output_tokens
    from billable
    where parent_span_key is not null
    group by trace_key, parent_span_key

),

-- Who knows no response id and counted nothing of its own: nothing at all, or the sum of its children or siblings.
wrappers as (

    select
        billable.trace_key,
        billable.span_key
    from billable
    left join families as own
        on billable.trace_key = own.trace_key and billable.span_key = own.parent_span_key
    left join families as beside
        on billable.trace_key = beside.trace_key and billable.parent_span_key = beside.parent_span_key
    where
        billable.response_id is null
        and (
            (own.children >= 1 and not billable.has_usage)
            or (
                own.children >= 2 and own.input_tokens = billable.all_input_tokens
                and own.output_tokens = billable.all_output_tokens
            )
            or (
                beside.children >= 3 and beside.input_tokens = 2 * billable.all_input_tokens
                and beside.output_tokens = 2 * billable.all_output_tokens
                and billable.has_usage
            )
        )

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
            and {{ microseconds_apart('billable.started_at', 'identified.started_at') }}
            <= {{ var('twin_window_ms') }} * 1000
            and {{ microseconds_apart('billable.ended_at', 'identified.ended_at') }}
            <= {{ var('twin_window_ms') }} * 1000
    where billable.response_id is null and identified.response_id is not null
    qualify row_number() over (
        partition by billable.trace_key, billable.span_key
        order by
            {{ microseconds_apart('billable.started_at', 'identified.started_at') }}
            + {{ microseconds_apart('billable.ended_at', 'identified.ended_at') }},
            identified.response_id
    ) = 1

),

known as (

    select
        billable.*,
        coalesce(billable.response_id, twins.response_id) as call_response_id
    from billable
    left join twins
        on billable.trace_key = twins.trace_key and billable.span_key = twins.span_key

)

select
    known.trace_key,
    known.span_key,
    known.parent_span_key,
    known.trace_id,
    known.span_id,
    known.started_at,
    known.has_usage,
    known.model_name,
    known.all_input_tokens,
    known.all_output_tokens,
    known.call_response_id as response_id,
    known.response_id is not null as is_identified,
    wrappers.span_key is not null as is_wrapper
from known
left join wrappers
    on known.trace_key = wrappers.trace_key and known.span_key = wrappers.span_key
