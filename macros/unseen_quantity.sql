{# What the spans that a sampler dropped used, if they were like those that it kept: `adjusted_count` - 1 times as much. #}
{% macro unseen_quantity(quantity, adjusted_count) -%}
    cast(floor({{ quantity }} * ({{ adjusted_count }} - 1)) as bigint)
{%- endmacro %}
