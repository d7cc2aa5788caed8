{# A text without every part that fits a regular expression. #}
{% macro without_pattern(text, pattern) -%}
    {{ adapter.dispatch('without_pattern')(text, pattern) }}
{%- endmacro %}

{% macro duckdb__without_pattern(text, pattern) -%}
    regexp_replace({{ text }}, '{{ pattern }}', '', 'g')
{%- endmacro %}

{# Spark replaces every fit by itself. #}
{% macro spark__without_pattern(text, pattern) -%}
    regexp_replace({{ text }}, r'{{ pattern }}', '')
{%- endmacro %}
