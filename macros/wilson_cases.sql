{#
  The fewest judged cases with which Wilson's 95 % interval of a pass rate is at most twice `half_width` wide: its width
  (wilson_bound) solved for the number of cases.
#}
{% macro wilson_cases(rate, half_width) -%}
    {%- set variance = '(' ~ rate ~ ') * (1 - (' ~ rate ~ '))' -%}
    {%- set z, h = 1.96, half_width -%}
    cast(ceil(
        {{ z * z / (2 * h * h) }} * (
            {{ variance }} - {{ 2 * h * h }}
            + sqrt({{ variance }} * {{ variance }} - {{ 4 * h * h }} * {{ variance }} + {{ h * h }})
        ) - 0.000000001
    ) as bigint)
{%- endmacro %}

{# The fewest judged cases with which the low bound of that interval is at least `bound`, at a rate above it. #}
{% macro wilson_cases_above(rate, bound) -%}
    {%- set above = '(' ~ rate ~ ' - ' ~ bound ~ ')' -%}
    cast(ceil({{ 1.96 * 1.96 }} * {{ bound }} * (1 - {{ bound }}) / nullif({{ above }} * {{ above }}, 0) - 0.000000001) as bigint)
{%- endmacro %}
