{# True where a part of a text fits a regular expression. #}
{% macro has_pattern(text, pattern) -%}
    {{ adapter.dispatch('has_pattern')(text, pattern) }}
{%- endmacro %}

{% macro duckdb__has_pattern(text, pattern) -%}
    regexp_matches({{ text }}, '{{ pattern }}')
{%- endmacro %}

{# Spark's operator; r'' because its literals read backslashes otherwise. #}
{% macro spark__has_pattern(text, pattern) -%}
    ({{ text }} rlike r'{{ pattern }}')
{%- endmacro %}
