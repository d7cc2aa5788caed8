{# The texts of a group in one, in order, without NULLs. #}
{% macro joined_texts(text, separator, order_by) -%}
    {{ adapter.dispatch('joined_texts')(text, separator, order_by) }}
{%- endmacro %}

{% macro duckdb__joined_texts(text, separator, order_by) -%}
    string_agg({{ text }}, '{{ separator }}' order by {{ order_by }})
{%- endmacro %}

{# Spark orders an aggregate by `within group`. #}
{% macro spark__joined_texts(text, separator, order_by) -%}
    listagg({{ text }}, '{{ separator }}') within group (order by {{ order_by }})
{%- endmacro %}
