{#
  What the spans that a sampler dropped used, if they were like those that it kept: `adjusted_count` - 1 times as
  much. A count of nonsense stands for at most 10^15, so that thousands of them add up to a whole number of 64 bits.
#}
{% macro unseen_quantity(quantity, adjusted_count) -%}
    cast(least(floor({{ quantity }} * ({{ adjusted_count }} - 1)), 1000000000000000) as bigint)
{%- endmacro %}
