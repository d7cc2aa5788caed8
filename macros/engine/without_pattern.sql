{# A text without every part that fits a regular expression, or with another text instead of each. #}
{% macro without_pattern(text, pattern, instead='') -%}
    {{ adapter.dispatch('without_pattern')(text, pattern, instead) }}
{%- endmacro %}

{% macro duckdb__without_pattern(text, pattern, instead) -%}
    regexp_replace({{ text }}, '{{ pattern }}', '{{ instead }}', 'g')
{%- endmacro %}

{# Spark replaces every fit by itself. #}
{% macro spark__without_pattern(text, pattern, instead) -%}
    regexp_replace({{ text }}, r'{{ pattern }}', '{{ instead }}')
{%- endmacro %}
