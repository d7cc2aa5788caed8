{# A sum of adjusted counts as a whole number. #}
{% macro whole_count(counts) -%}
    cast(round(sum({{ counts }}), 0) as bigint)
{%- endmacro %}
