{# One row per element of a list; stands in a select list, which has no row for an empty one. #}
{% macro each_of(list) -%}
    {{ adapter.dispatch('each_of')(list) }}
{%- endmacro %}

{% macro duckdb__each_of(list) -%}
    unnest({{ list }})
{%- endmacro %}

{# Spark's word for unnest. #}
{% macro spark__each_of(list) -%}
    explode({{ list }})
{%- endmacro %}
