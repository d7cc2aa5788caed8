{# Microseconds since 1970 of a timestamp, as a whole number. #}
{% macro microsecond_of(moment) -%}
    {{ adapter.dispatch('microsecond_of')(moment) }}
{%- endmacro %}

{% macro duckdb__microsecond_of(moment) -%}
    epoch_us({{ moment }})
{%- endmacro %}

{# Spark counts from timestamps with a zone only; the session's is UTC. #}
{% macro spark__microsecond_of(moment) -%}
    unix_micros(cast({{ moment }} as timestamp_ltz))
{%- endmacro %}
