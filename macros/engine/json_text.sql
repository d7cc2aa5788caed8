{# A text as JSON writes it: in quotes, with what JSON reserves escaped; NULL stays NULL. #}
{% macro json_text(text) -%}
    {{ adapter.dispatch('json_text')(text) }}
{%- endmacro %}

{% macro duckdb__json_text(text) -%}
    cast(to_json({{ text }}) as varchar)
{%- endmacro %}
