{# The whole part of a quotient of whole numbers; engines divide them into fractions. #}
{% macro whole_quotient(dividend, divisor) -%}
    {{ adapter.dispatch('whole_quotient')(dividend, divisor) }}
{%- endmacro %}

{% macro duckdb__whole_quotient(dividend, divisor) -%}
    ({{ dividend }}) // ({{ divisor }})
{%- endmacro %}

{# Spark's `div` gives 64 bits: decimals, from which the remainder is taken first, so that nothing is rounded. A divisor of
  at most 25 digits leaves the quotient 26. #}
{% macro spark__whole_quotient(dividend, divisor) -%}
    cast((cast({{ dividend }} as decimal(38, 0)) - cast({{ dividend }} as decimal(38, 0)) % cast({{ divisor }} as decimal(25, 0)))
    / cast({{ divisor }} as decimal(25, 0)) as decimal(38, 0))
{%- endmacro %}
