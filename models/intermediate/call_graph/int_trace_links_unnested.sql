-- one row per trace root and distinct span that caused it
with spans as (

    select
        trace_key,
        span_key,
        links
    from {{ ref('int_spans_reopened') }}

),

parents as (

    select * from {{ ref('int_span_parents_resolved') }}

),

link_ends as (

    {{ link_ends('spans') }}

)

select distinct
    link_ends.trace_key as caused_trace_key,
    link_ends.span_key as caused_root_key,
    causes.trace_key,
    causes.span_key
from link_ends
-- Links count from a root: inside a trace, the parent is the cause.
inner join parents as roots
    on
        link_ends.trace_key = roots.trace_key
        and link_ends.span_key = roots.span_key
        and roots.parent_span_key is null
-- A cause that was never exported can't be walked: the trace then stands on its own.
inner join parents as causes
    on link_ends.link_trace_key = causes.trace_key and link_ends.link_span_key = causes.span_key
where (link_ends.trace_key, link_ends.span_key) != (causes.trace_key, causes.span_key)
