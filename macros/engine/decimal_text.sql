{# A decimal as text, with all the places of its type. #}
{% macro decimal_text(number) -%}
    {{ adapter.dispatch('decimal_text')(number) }}
{%- endmacro %}

{% macro duckdb__decimal_text(number) -%}
    cast({{ number }} as string)
{%- endmacro %}

{# Spark writes small ones with an exponent: of the whole part and of 1 and the rest it does not. #}
{% macro spark__decimal_text(number) -%}
    concat(
        case when {{ number }} < 0 then '-' else '' end,
        cast(floor(abs({{ number }})) as string),
        substr(cast(1 + abs({{ number }}) - floor(abs({{ number }})) as string), 2)
    )
{%- endmacro %}
