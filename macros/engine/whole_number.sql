{# A whole number of up to 38 digits. #}
{% macro whole_number(number) -%}
    {{ adapter.dispatch('whole_number')(number) }}
{%- endmacro %}

{% macro duckdb__whole_number(number) -%}
    cast({{ number }} as hugeint)
{%- endmacro %}

{# Spark's largest whole number is a decimal without places. #}
{% macro spark__whole_number(number) -%}
    cast({{ number }} as decimal(38, 0))
{%- endmacro %}
