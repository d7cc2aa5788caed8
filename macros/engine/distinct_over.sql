{# How many distinct values stand in a row's partition, without NULLs. #}
{% macro distinct_over(value, partition_by) -%}
    {{ adapter.dispatch('distinct_over')(value, partition_by) }}
{%- endmacro %}

{% macro duckdb__distinct_over(value, partition_by) -%}
    count(distinct {{ value }}) over (partition by {{ partition_by }})
{%- endmacro %}

{# Spark's windows count no distinct values, but collect them. #}
{% macro spark__distinct_over(value, partition_by) -%}
    size(collect_set({{ value }}) over (partition by {{ partition_by }}))
{%- endmacro %}
