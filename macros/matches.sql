{# A seed's LIKE pattern against a value that may be missing; an empty pattern matches all. #}
{% macro matches(value, pattern) -%}
    ({{ pattern }} is null or {{ is_like("coalesce(" ~ value ~ ", '')", pattern) }})
{%- endmacro %}
