{# A record of named fields, whose values are SQL. #}
{% macro record_of(fields) -%}
    {{ adapter.dispatch('record_of')(fields) }}
{%- endmacro %}

{% macro duckdb__record_of(fields) -%}
    struct_pack({% for name, value in fields.items() %}{{ name }} := {{ value }}{{ ', ' if not loop.last }}{% endfor %})
{%- endmacro %}

{# Spark names fields by texts before them. #}
{% macro spark__record_of(fields) -%}
    named_struct({% for name, value in fields.items() %}'{{ name }}', {{ value }}{{ ', ' if not loop.last }}{% endfor %})
{%- endmacro %}
