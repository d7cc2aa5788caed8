{#
  The part of `amount` that `weight` of `total_weight` earns, cut off at scale 12; weights are integers. Exact: decimal
  division gives DOUBLE on DuckDB and rounds on Spark, so picodollars are multiplied and divided as whole numbers.
#}
{% macro floored_part(amount, weight, total_weight) -%}
    {{ adapter.dispatch('floored_part')(amount, weight, total_weight) }}
{%- endmacro %}

{% macro duckdb__floored_part(amount, weight, total_weight) -%}
    cast(
        cast(
            (cast({{ amount }} * 1000000000000 as hugeint) * cast({{ weight }} as hugeint))
            // nullif(cast({{ total_weight }} as hugeint), 0) as decimal(38, 0)
        ) * 0.000000000001 as decimal(38, 12)
    )
{%- endmacro %}

{# Spark has no whole numbers of more than 64 bits: decimals without places, and whole_quotient. #}
{% macro spark__floored_part(amount, weight, total_weight) -%}
    cast(
        cast({{ whole_quotient(
            'cast(' ~ amount ~ ' * 1000000000000 as decimal(38, 0)) * cast(' ~ weight ~ ' as decimal(38, 0))',
            'nullif(' ~ total_weight ~ ', 0)'
        ) }} as decimal(25, 0)) * 0.000000000001 as decimal(38, 12)
    )
{%- endmacro %}
