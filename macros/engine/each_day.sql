{# One row per day from a date to a later one, both included; stands in a select list. #}
{% macro each_day(first_day, last_day) -%}
    {{ adapter.dispatch('each_day')(first_day, last_day) }}
{%- endmacro %}

{% macro duckdb__each_day(first_day, last_day) -%}
    cast(unnest(generate_series({{ first_day }}, {{ last_day }}, interval 1 day)) as date)
{%- endmacro %}

{# Spark's sequence runs backward where the last day is before the first. #}
{% macro spark__each_day(first_day, last_day) -%}
    explode(case
        when {{ first_day }} <= {{ last_day }}
            then sequence(cast({{ first_day }} as date), cast({{ last_day }} as date), interval 1 day)
    end)
{%- endmacro %}
