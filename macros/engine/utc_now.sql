{# The time at which a statement runs, in UTC, to the second. #}
{% macro utc_now() -%}
    {{ adapter.dispatch('utc_now')() }}
{%- endmacro %}

{% macro duckdb__utc_now() -%}
    date_trunc('second', current_timestamp at time zone 'UTC')
{%- endmacro %}

{% macro spark__utc_now() -%}
    date_trunc('second', cast(to_utc_timestamp(current_timestamp(), current_timezone()) as timestamp_ntz))
{%- endmacro %}
