{# True where a cost driver pays for the kind of bill line (int_charge_types). No driver takes a tax, which follows the lines that it is on. #}
{% macro takes_line(kinds, drivers) -%}
    {%- for column in ('provider', 'service_name', 'sku', 'description') -%}
        {{ matches(kinds ~ '.' ~ column, drivers ~ '.' ~ column) }} and {# #}
    {%- endfor -%}
    coalesce({{ kinds }}.category, 'usage') != 'tax'
{%- endmacro %}
