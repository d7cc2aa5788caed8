{{ config(materialized=held_for_many()) }}
with spans as (

    select *
    from {{ ref('stg_telemetry__spans') }}
    where {{ is_touched('started_on', 'span_day') }} and {{ is_touched('trace_key', 'trace') }}

),

-- A span whose own start can't be read began with its parent, as far as anybody knows.
timed_by_parents as (

    select
        untimed.trace_key,
        untimed.span_key,
        parents.started_at,
        parents.started_on
    from {{ ref('stg_telemetry__span_times') }} as untimed
    inner join {{ ref('stg_telemetry__span_times') }} as parents
        on untimed.trace_key = parents.trace_key and untimed.parent_span_key = parents.span_key
    where
        untimed.started_on = date '1970-01-01'
        and untimed.started_at is null
        and parents.started_at is not null
        and {{ is_touched('untimed.trace_key', 'trace') }}

)

select
    {{ all_but('spans', ['started_at', 'started_on']) }},
    coalesce(spans.started_at, timed_by_parents.started_at) as started_at,
    coalesce(timed_by_parents.started_on, spans.started_on) as started_on
from spans
left join timed_by_parents
    on spans.trace_key = timed_by_parents.trace_key and spans.span_key = timed_by_parents.span_key
