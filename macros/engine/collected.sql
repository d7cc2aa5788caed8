{# The distinct values of a group as a list, in order, without NULLs; NULL where there are none. #}
{% macro collected(value) -%}
    {{ adapter.dispatch('collected')(value) }}
{%- endmacro %}

{% macro duckdb__collected(value) -%}
    list(distinct {{ value }} order by {{ value }}) filter (where {{ value }} is not null)
{%- endmacro %}
