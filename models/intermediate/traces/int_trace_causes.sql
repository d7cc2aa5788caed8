{% set reversed_links %}
    select
        caused_trace_key,
        caused_root_key,
        trace_key as cause_trace_key,
        root_span_key as cause_root_key,
        trace_key,
        root_span_key
    from links
    where is_clock_reversed
{% endset %}
with recursive roots as (

    select
        trace_key,
        span_key,
        coalesce(started_at, timestamp '1970-01-01 00:00:00') as started_at
    from {{ ref('int_spans_reopened') }}

),

links as (

    select
        links.*,
        spans.root_span_key,
        -- Every ring of traces contains at least one cause that does not begin before what it caused.
        (causes.started_at, causes.trace_key, causes.span_key) >= (caused.started_at, caused.trace_key, caused.span_key)
            as is_clock_reversed
    from {{ ref('int_span_links') }} as links
    inner join {{ ref('int_span_attribution') }} as spans
        on links.trace_key = spans.trace_key and links.span_key = spans.span_key
    inner join roots as caused
        on links.caused_trace_key = caused.trace_key and links.caused_root_key = caused.span_key
    inner join roots as causes
        on links.trace_key = causes.trace_key and spans.root_span_key = causes.span_key
    where (links.trace_key, spans.root_span_key) != (links.caused_trace_key, links.caused_root_key)

),

-- From the cause of each reversed link, follow the causes of the cause: does the link close a ring?
ancestors as (

    {% call(ancestors, join) followed('ancestors', reversed_links, var('max_link_levels'), 'union') %}
        select{{ ' distinct' if join == 'left' }}
            ancestors.caused_trace_key,
            ancestors.caused_root_key,
            ancestors.cause_trace_key,
            ancestors.cause_root_key,
            coalesce(links.trace_key, ancestors.trace_key) as trace_key,
            coalesce(links.root_span_key, ancestors.root_span_key) as root_span_key
        from {{ ancestors }} {{ join }} join links
            on
                ancestors.trace_key = links.caused_trace_key and ancestors.root_span_key = links.caused_root_key
                -- A closed ring is followed no further.
                and (ancestors.trace_key, ancestors.root_span_key)
                != (ancestors.caused_trace_key, ancestors.caused_root_key)
    {% endcall %}

),

ring_links as (

    select * from ancestors
    where trace_key = caused_trace_key and root_span_key = caused_root_key

)

select
    links.caused_trace_key,
    links.caused_root_key,
    links.trace_key,
    links.span_key
from links
left join ring_links
    on
        links.is_clock_reversed
        and links.caused_trace_key = ring_links.caused_trace_key
        and links.caused_root_key = ring_links.caused_root_key
        and links.trace_key = ring_links.cause_trace_key
        and links.root_span_key = ring_links.cause_root_key
where ring_links.trace_key is null
