{# What an `order by` sorts by, a text or a list of texts: what is NULL comes last. #}
{% macro in_order(order_by) -%}
    {{ adapter.dispatch('in_order')(order_by if order_by is string else order_by | join(', ')) }}
{%- endmacro %}

{% macro duckdb__in_order(order_by) -%}
    {{ order_by }}
{%- endmacro %}

{# Spark puts NULL first where it sorts upward, and must be told of each key. #}
{% macro spark__in_order(order_by) -%}
    {%- set keys, open = [], [] -%}
    {%- for part in order_by.split(',') -%}
        {%- do open.append(part) -%}
        {%- set key = open | join(',') -%}
        {%- if key.count('(') == key.count(')') -%}
            {%- do keys.append(key | trim ~ ('' if ' nulls ' in key.lower() else ' nulls last')) -%}
            {%- do open.clear() -%}
        {%- endif -%}
    {%- endfor -%}
    {{ keys | join(', ') }}
{%- endmacro %}
