{# True where two relations agree in columns; NULL is a value. #}
{% macro are_same(one, other, columns) -%}
    ({%- for column in columns -%}
        {{ one }}.{{ column }} is not distinct from {{ other }}.{{ column }}{{ ' and ' if not loop.last }}
    {%- endfor -%})
{%- endmacro %}
