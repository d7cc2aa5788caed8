{# A list of values, which are SQL. #}
{% macro list_of(values) -%}
    {{ adapter.dispatch('list_of')(values | join(', ')) }}
{%- endmacro %}

{% macro duckdb__list_of(values) -%}
    [{{ values }}]
{%- endmacro %}

{# Spark's brackets only read a list. #}
{% macro spark__list_of(values) -%}
    array({{ values }})
{%- endmacro %}
