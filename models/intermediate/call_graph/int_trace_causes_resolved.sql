-- one row per trace root and span of another trace that caused it, free of rings
{% set backward %}
    select
        caused_trace_key,
        caused_root_key,
        trace_key as cause_trace_key,
        root_span_key as cause_root_key,
        trace_key,
        root_span_key
    from edges
    where is_backward
{% endset %}
with recursive links as (

    select * from {{ ref('int_trace_links_unnested') }}

),

roots as (

    select
        trace_key,
        span_key,
        coalesce(started_at, timestamp '1970-01-01 00:00:00') as started_at
    from {{ ref('int_spans_reopened') }}

),

edges as (

    select
        links.*,
        walked.root_span_key,
        (causes.started_at, causes.trace_key, causes.span_key) >= (caused.started_at, caused.trace_key, caused.span_key)
            as is_backward
    from links
    inner join {{ ref('int_spans_walked') }} as walked
        on links.trace_key = walked.trace_key and links.span_key = walked.span_key
    inner join roots as caused
        on links.caused_trace_key = caused.trace_key and links.caused_root_key = caused.span_key
    inner join roots as causes
        on links.trace_key = causes.trace_key and walked.root_span_key = causes.span_key
    where (links.trace_key, walked.root_span_key) != (links.caused_trace_key, links.caused_root_key)

),

-- A ring has at least one edge whose cause does not begin before what it caused: does that cause go back to it?
climbed as (

    {% call(climbed, join) followed('climbed', backward, var('max_link_levels'), 'union') %}
        select{{ ' distinct' if join == 'left' }}
            climbed.caused_trace_key,
            climbed.caused_root_key,
            climbed.cause_trace_key,
            climbed.cause_root_key,
            coalesce(edges.trace_key, climbed.trace_key) as trace_key,
            coalesce(edges.root_span_key, climbed.root_span_key) as root_span_key
        from {{ climbed }} {{ join }} join edges
            on
                climbed.trace_key = edges.caused_trace_key and climbed.root_span_key = edges.caused_root_key
                -- What has come round stays there.
                and (climbed.trace_key, climbed.root_span_key) != (climbed.caused_trace_key, climbed.caused_root_key)
    {% endcall %}

),

rings as (

    select * from climbed
    where trace_key = caused_trace_key and root_span_key = caused_root_key

)

select
    edges.caused_trace_key,
    edges.caused_root_key,
    edges.trace_key,
    edges.span_key
from edges
left join rings
    on
        edges.is_backward
        and edges.caused_trace_key = rings.caused_trace_key
        and edges.caused_root_key = rings.caused_root_key
        and edges.trace_key = rings.cause_trace_key
        and edges.root_span_key = rings.cause_root_key
where rings.trace_key is null
