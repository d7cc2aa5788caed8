{# The column of a call that counts a meter: most meters are tokens. #}
{% macro meter_column(meter) -%}
    {{ {'web_search': 'web_search_requests', 'request': 'requests'}.get(meter, meter ~ '_tokens') }}
{%- endmacro %}

{# The columns of all meters, each with what stands before it; for a select list. #}
{% macro meter_columns(before) -%}
    {% for meter in call_meters() -%}
        {{ before }}{{ meter_column(meter) }}{{ ', ' if not loop.last }}
    {%- endfor %}
{%- endmacro %}
