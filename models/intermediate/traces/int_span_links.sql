with spans as (

    select
        trace_key,
        span_key,
        links
    from {{ ref('int_spans_reopened') }}

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
-- Only links of root spans count: within a trace, the parent is the cause.
inner join {{ ref('int_spans') }} as roots
    on
        link_ends.trace_key = roots.trace_key
        and link_ends.span_key = roots.span_key
        and roots.parent_span_key is null
-- A cause that was never exported attributes nothing, so its trace is attributed on its own.
inner join {{ ref('int_spans') }} as causes
    on link_ends.link_trace_key = causes.trace_key and link_ends.link_span_key = causes.span_key
where (link_ends.trace_key, link_ends.span_key) != (causes.trace_key, causes.span_key)
