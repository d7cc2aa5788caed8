{# How many levels of a trace the walk takes; nothing where there is no limit. #}
{% macro walk_limit() -%}
    {{ return(adapter.dispatch('walk_limit')()) }}
{%- endmacro %}

{% macro duckdb__walk_limit() -%}
    {{ return(none) }}
{%- endmacro %}

{# Each level is a job of its own on Spark's executors. #}
{% macro spark__walk_limit() -%}
    {{ return(var('max_walk_levels')) }}
{%- endmacro %}
