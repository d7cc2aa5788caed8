{# The days on providers' clocks that the UTC days of a relation reach into: those of Pacific time begin a day earlier. #}
{% macro billing_days_of(relation) -%}
    select distinct cast(utc.day + steps.step * interval 1 day as date) as day
    from {{ relation }} as utc
    cross join (values (0){{ ', (-1)' if has_other_clocks() }}{{ ', (1)' if var('billing_time_zones') }}) as steps (step)
    where utc.day is not null
{%- endmacro %}
