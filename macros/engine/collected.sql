{# The distinct values of a group as a list, in order, without NULLs; NULL where there are none. #}
{% macro collected(value) -%}
    {{ adapter.dispatch('collected')(value) }}
{%- endmacro %}

{% macro duckdb__collected(value) -%}
    list(distinct {{ value }} order by {{ value }}) filter (where {{ value }} is not null)
{%- endmacro %}

{# Spark collects a set, without order, and an empty one where there is nothing. #}
{% macro spark__collected(value) -%}
    case when count({{ value }}) > 0 then array_sort(collect_set({{ value }})) end
{%- endmacro %}
