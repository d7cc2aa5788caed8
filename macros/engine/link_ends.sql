{# A relation (`trace_key`, `span_key`, `link_trace_key`, `link_span_key`) of each span link, one row per link. #}
{% macro link_ends(relation) -%}
    {{ adapter.dispatch('link_ends')(relation) }}
{%- endmacro %}

{% macro duckdb__link_ends(relation) -%}
    select
        trace_key,
        span_key,
        unnest(links).trace_key as link_trace_key,
        unnest(links).span_key as link_span_key
    from {{ relation }}
    where len(links) > 0
{%- endmacro %}

{# Spark explodes a list in `lateral view`, and then reads its fields. #}
{% macro spark__link_ends(relation) -%}
    select
        trace_key,
        span_key,
        link.trace_key as link_trace_key,
        link.span_key as link_span_key
    from {{ relation }} lateral view explode(links) ends as link
{%- endmacro %}
