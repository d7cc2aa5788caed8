{# Distance of two timestamps in microseconds; engines differ in how they subtract times. #}
{% macro microseconds_apart(moment, other) -%}
    abs({{ microsecond_of(moment) }} - {{ microsecond_of(other) }})
{%- endmacro %}
