{#
  The day of a UTC time on the provider's billing clock: that of the variable billing_time_zones, else Pacific time where
  `is_pacific` says so (int_billing_accounts), else UTC.
#}
{% macro billing_day(moment, provider, is_pacific) -%}
    cast(
        case
            {%- for name, zone in var('billing_time_zones').items() %}
            when {{ provider }} = '{{ name }}' then {{ adapter.dispatch('in_time_zone')(moment, zone) }}
            {%- endfor %}
            when {{ is_pacific }} then {{ adapter.dispatch('in_time_zone')(moment, 'America/Los_Angeles') }}
            else {{ moment }}
        end as date
    )
{%- endmacro %}

{# Google bills every customer by days in Pacific time. #}
{% macro is_pacific_biller(provider) -%}
    {{ provider }} = 'google'
{%- endmacro %}

{# True where a bucket is a day of Pacific time, which begins at 7:00 or 8:00 in UTC and may have 23 or 25 hours. #}
{% macro is_pacific_day(starts_at, ends_at) -%}
    coalesce(case
        when
            ({{ starts_at }} = date_trunc('day', {{ starts_at }}) + interval 7 hour
                or {{ starts_at }} = date_trunc('day', {{ starts_at }}) + interval 8 hour)
            and {{ ends_at }} >= {{ starts_at }} + interval 22 hour and {{ ends_at }} <= {{ starts_at }} + interval 26 hour
            {% for moment in [starts_at, ends_at ~ ' + interval 1 microsecond'] -%}
            {%- set local = adapter.dispatch('in_time_zone')('(' ~ moment ~ ')', 'America/Los_Angeles') -%}
            and {{ local }} = date_trunc('day', {{ local }})
            {% endfor -%}
            then true
    end, false)
{%- endmacro %}

{% macro duckdb__in_time_zone(moment, zone) -%}
    ({{ moment }} at time zone 'UTC' at time zone '{{ zone }}')
{%- endmacro %}

{# Spark has a function where others write `at time zone` twice. #}
{% macro spark__in_time_zone(moment, zone) -%}
    convert_timezone('UTC', '{{ zone }}', cast({{ moment }} as timestamp_ntz))
{%- endmacro %}
