{# A LIKE pattern in which a backslash makes the next sign plain; DuckDB has no such sign unless it is named. #}
{% macro is_like(text, pattern) -%}
    {{ adapter.dispatch('is_like')(text, pattern) }}
{%- endmacro %}

{% macro duckdb__is_like(text, pattern) -%}
    {{ text }} like {{ pattern }} escape '\'
{%- endmacro %}

{# Spark has a backslash of itself, and reads a literal of one as the beginning of another. #}
{% macro spark__is_like(text, pattern) -%}
    {{ text }} like {{ pattern }}
{%- endmacro %}
