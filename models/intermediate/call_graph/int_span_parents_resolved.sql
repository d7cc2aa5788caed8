-- one row per span: the parent that the walk follows, free of cycles
{{ config(post_hook="{{ walk_further_slices() }}") }}
{% set slice = first_slice() %}
{% set given %}
spans as (

    select
        trace_key,
        span_key,
        parent_span_key,
        coalesce(started_at, timestamp '1970-01-01 00:00:00') as started_at
    from {{ ref('int_spans_reopened') }}
    where {{ slice.traces }}

),

edges as (

    select
        spans.trace_key,
        spans.span_key,
        parents.span_key as parent_span_key,
        spans.parent_span_key is not null and parents.span_key is null as is_orphan,
        coalesce((parents.started_at, parents.span_key) >= (spans.started_at, spans.span_key), false) as is_backward
    from spans
    left join spans as parents
        on spans.trace_key = parents.trace_key and spans.parent_span_key = parents.span_key

),

-- A cycle has at least one edge whose parent does not come before its child, so other traces need no search.
suspect_traces as (

    select distinct trace_key
    from edges
    where is_backward

),

{% endset %}
{% set suspects %}
suspects as (

    {% call set_aside('suspects', given) %}
        select edges.*
        from edges
        inner join suspect_traces
            on edges.trace_key = suspect_traces.trace_key
    {% endcall %}

),
{% endset %}
{% set first %}
    select
        trace_key,
        span_key,
        0 as depth
    from suspects
    where parent_span_key is null
{% endset %}
with recursive {{ given }}

{{ suspects }}

reached as (

    {% call(reached) reached_from('reached', first, suspects, level='depth') %}
        select
            suspects.trace_key,
            suspects.span_key,
            reached.depth + 1 as depth
        from {{ reached }}
        inner join suspects
            on reached.trace_key = suspects.trace_key and reached.span_key = suspects.parent_span_key
    {% endcall %}

),

-- What no root reaches hangs on a cycle; cutting its backward edges frees it, and keeps every forward one.
cut as (

    select
        suspects.trace_key,
        suspects.span_key
    from suspects
    left join reached
        on suspects.trace_key = reached.trace_key and suspects.span_key = reached.span_key
    where reached.span_key is null and suspects.is_backward

),

above as (

    select distinct
        trace_key,
        parent_span_key as span_key
    from edges
    where parent_span_key is not null

)

select
    edges.trace_key,
    edges.span_key,
    case when cut.span_key is null then edges.parent_span_key end as parent_span_key,
    edges.is_orphan,
    cut.span_key is not null as is_cut,
    -- Spans stand beneath it.
    above.span_key is not null as is_inner,
    {{ slice.number }} as slice_no
from edges
left join cut
    on edges.trace_key = cut.trace_key and edges.span_key = cut.span_key
left join above
    on edges.trace_key = above.trace_key and edges.span_key = above.span_key
