{#
  The weight of all of a call's causes. Fan-ins that occur divide it (2^14 3^4 5^3 7^2 11 13 17 19 23 29 31). Chains of
  causes divide it a thousand times finer, so that what their divisions cut off is gone when their sum is rounded.
#}
{% macro whole_weight() -%}
    7763135003559936000
{%- endmacro %}

{% macro finer() -%}
    1000
{%- endmacro %}
