{# The day of a UTC time on the provider's billing clock (variable billing_time_zones, default UTC). #}
{% macro billing_day(moment, provider) -%}
    {%- set zones = var('billing_time_zones') -%}
    {%- if zones -%}
        cast(
            case {{ provider }}
                {%- for name, zone in zones.items() %}
                when '{{ name }}' then {{ adapter.dispatch('in_time_zone')(moment, zone) }}
                {%- endfor %}
                else {{ moment }}
            end as date
        )
    {%- else -%}
        cast({{ moment }} as date)
    {%- endif -%}
{%- endmacro %}

{% macro duckdb__in_time_zone(moment, zone) -%}
    ({{ moment }} at time zone 'UTC' at time zone '{{ zone }}')
{%- endmacro %}

{# Spark has a function where others write `at time zone` twice. #}
{% macro spark__in_time_zone(moment, zone) -%}
    convert_timezone('UTC', '{{ zone }}', cast({{ moment }} as timestamp_ntz))
{%- endmacro %}
