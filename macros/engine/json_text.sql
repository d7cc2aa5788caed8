{# A text as JSON writes it: in quotes, with what JSON reserves escaped; NULL stays NULL. #}
{% macro json_text(text) -%}
    {{ adapter.dispatch('json_text')(text) }}
{%- endmacro %}

{% macro duckdb__json_text(text) -%}
    cast(to_json({{ text }}) as string)
{%- endmacro %}

{# Spark writes arrays as JSON, but no single text. #}
{% macro spark__json_text(text) -%}
    case when {{ text }} is not null
        then substr(to_json(array({{ text }})), 2, length(to_json(array({{ text }}))) - 2) end
{%- endmacro %}
