{#
  A condition that a day is in no retired month (`make forget MONTH=`): such months stand as they were closed, and what is
  dated in them takes no part in what a build computes. What has no time is of no month.
#}
{% macro is_kept(day) -%}
    {%- if model.config.materialized == 'unit' -%}
        true
    {%- else -%}
        {%- set retirements = source('landed', 'retirements') -%}
        coalesce(
            {{ day }} <= date '1970-01-01'
            or {{ day }} >= (select max(retirements.retired_before) from {{ retirements }} as retirements),
            true
        )
    {%- endif -%}
{%- endmacro %}
