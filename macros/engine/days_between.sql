{# Whole days from one date to a later one. #}
{% macro days_between(earlier, later) -%}
    {{ adapter.dispatch('days_between')(earlier, later) }}
{%- endmacro %}

{% macro duckdb__days_between(earlier, later) -%}
    ({{ later }} - {{ earlier }})
{%- endmacro %}

{# Spark's difference of two dates is an interval. #}
{% macro spark__days_between(earlier, later) -%}
    datediff({{ later }}, {{ earlier }})
{%- endmacro %}
