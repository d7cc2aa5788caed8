{# A whole number of up to 38 digits. #}
{% macro whole_number(number) -%}
    {{ adapter.dispatch('whole_number')(number) }}
{%- endmacro %}

{% macro duckdb__whole_number(number) -%}
    cast({{ number }} as hugeint)
{%- endmacro %}
