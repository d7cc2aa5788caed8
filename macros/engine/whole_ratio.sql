{# amount x quantity / price as a whole number, cut off: how much a sum of money buys. Exact, as floored_part is. #}
{% macro whole_ratio(amount, quantity, price) -%}
    {{ adapter.dispatch('whole_ratio')(amount, quantity, price) }}
{%- endmacro %}

{% macro duckdb__whole_ratio(amount, quantity, price) -%}
    cast(
        (cast({{ amount }} * 1000000000000 as hugeint) * cast({{ quantity }} as hugeint))
        // nullif(cast({{ price }} * 1000000000000 as hugeint), 0) as bigint
    )
{%- endmacro %}

{# As in floored_part. #}
{% macro spark__whole_ratio(amount, quantity, price) -%}
    cast({{ whole_quotient(
        'cast(' ~ amount ~ ' * 1000000000000 as decimal(38, 0)) * cast(' ~ quantity ~ ' as decimal(38, 0))',
        'nullif(cast(' ~ price ~ ' * 1000000000000 as decimal(38, 0)), 0)'
    ) }} as bigint)
{%- endmacro %}
