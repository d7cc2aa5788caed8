{# Every amount has this type, cast after each product or division: engines widen decimals differently. #}
{% macro money(expression) -%}
    cast({{ expression }} as decimal(38, 12))
{%- endmacro %}
