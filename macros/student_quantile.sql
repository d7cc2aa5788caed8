{#
  Student's quantile from the normal one (variable confidence_quantile), by the first four terms of Cornish and Fisher's
  expansion: a formula that every engine computes alike, 0.01 % off at nine degrees of freedom and less above.
#}
{% macro student_quantile(freedom) -%}
    {%- set z = var('confidence_quantile') -%}
    (
        {{ z }}
        + {{ (z ** 3 + z) / 4 }} / nullif({{ freedom }}, 0)
        + {{ (5 * z ** 5 + 16 * z ** 3 + 3 * z) / 96 }} / power(nullif({{ freedom }}, 0), 2)
        + {{ (3 * z ** 7 + 19 * z ** 5 + 17 * z ** 3 - 15 * z) / 384 }} / power(nullif({{ freedom }}, 0), 3)
        + {{ (79 * z ** 9 + 776 * z ** 7 + 1482 * z ** 5 - 1920 * z ** 3 - 945 * z) / 92160 }}
        / power(nullif({{ freedom }}, 0), 4)
    )
{%- endmacro %}
