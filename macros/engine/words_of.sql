{# A text that blanks part as a list. #}
{% macro words_of(text) -%}
    {{ adapter.dispatch('words_of')(text) }}
{%- endmacro %}

{% macro duckdb__words_of(text) -%}
    string_split({{ text }}, ' ')
{%- endmacro %}

{# Spark's word for it. #}
{% macro spark__words_of(text) -%}
    split({{ text }}, ' ')
{%- endmacro %}
