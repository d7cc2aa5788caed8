{# Distance of two timestamps in microseconds; engines differ in how they subtract times. #}
{% macro microseconds_apart(moment, other) -%}
    {{ adapter.dispatch('microseconds_apart')(moment, other) }}
{%- endmacro %}

{% macro duckdb__microseconds_apart(moment, other) -%}
    abs(epoch_us({{ moment }}) - epoch_us({{ other }}))
{%- endmacro %}
