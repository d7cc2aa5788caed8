{# With how many spans a model that holds them in memory works at once; nothing where there is no limit. #}
{% macro spans_at_once() -%}
    {{ return(adapter.dispatch('spans_at_once')()) }}
{%- endmacro %}

{% macro duckdb__spans_at_once() -%}
    {{ return(env_var('SPANS_PER_WALK', '10000000') | int) }}
{%- endmacro %}

{# Spark parts every join among its executors. #}
{% macro spark__spans_at_once() -%}
    {{ return(none) }}
{%- endmacro %}
