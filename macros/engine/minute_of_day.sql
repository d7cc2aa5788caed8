{# The time of day as 23:59. #}
{% macro minute_of_day(moment) -%}
    {{ adapter.dispatch('minute_of_day')(moment) }}
{%- endmacro %}

{% macro duckdb__minute_of_day(moment) -%}
    strftime({{ moment }}, '%H:%M')
{%- endmacro %}

{# Spark's patterns are Java's. #}
{% macro spark__minute_of_day(moment) -%}
    date_format({{ moment }}, 'HH:mm')
{%- endmacro %}
