{# A whole number of picodollars as money. #}
{% macro picodollars(number) -%}
    {{ adapter.dispatch('picodollars')(number) }}
{%- endmacro %}

{% macro duckdb__picodollars(number) -%}
    cast(cast({{ number }} as decimal(38, 0)) * 0.000000000001 as decimal(38, 12))
{%- endmacro %}

{# Spark rounds a product whose digits and places are more than 38. #}
{% macro spark__picodollars(number) -%}
    cast(cast({{ number }} as decimal(25, 0)) * 0.000000000001 as decimal(38, 12))
{%- endmacro %}

{# Further columns of a select, which macro `allocate` computes once per group for its amount number `no`. #}
{% macro picodollar_rates(no) -%}
    {{ adapter.dispatch('picodollar_rates')(no) }}
{%- endmacro %}

{#
  An amount is rate x total + remainder, so a part is rate x weight and the quotient of remainder x weight. These fit in
  64 bits unless the remainder and the largest weight are both long: integers of 128 bits divide many times slower.
#}
{% macro duckdb__picodollar_rates(no) -%}
    ,
    split_amount_{{ no }} // nullif(split_total, 0) as split_rate_{{ no }},
    split_amount_{{ no }} % nullif(split_total, 0) as split_remainder_{{ no }},
    case
        when
            split_reach <= 4611686018427387903 // greatest(abs(split_rate_{{ no }}), abs(split_remainder_{{ no }}), 1)
            and abs(split_total) <= 9223372036854775807
            then cast(split_rate_{{ no }} as bigint)
    end as split_short_rate_{{ no }},
    try_cast(split_remainder_{{ no }} as bigint) as split_short_remainder_{{ no }},
    try_cast(split_total as bigint) as split_short_total_{{ no }}
{%- endmacro %}

{# Spark has no whole numbers between 64 bits and decimals, and divides these by whole_quotient. #}
{% macro spark__picodollar_rates(no) -%}
{%- endmacro %}

{# The part that a weight earns of amount number `no`, in whole picodollars, cut off. #}
{% macro picodollar_part(no, weight) -%}
    {{ adapter.dispatch('picodollar_part')(no, weight) }}
{%- endmacro %}

{% macro duckdb__picodollar_part(no, weight) -%}
    case
        when groups.split_short_rate_{{ no }} is not null
            then cast(
                groups.split_short_rate_{{ no }} * cast({{ weight }} as bigint)
                + groups.split_short_remainder_{{ no }} * cast({{ weight }} as bigint)
                // groups.split_short_total_{{ no }} as hugeint
            )
        else
            groups.split_rate_{{ no }} * {{ weight }}
            + groups.split_remainder_{{ no }} * {{ weight }} // nullif(groups.split_total, 0)
    end
{%- endmacro %}

{% macro spark__picodollar_part(no, weight) -%}
    {{ whole_quotient('groups.split_amount_' ~ no ~ ' * ' ~ weight, 'nullif(groups.split_total, 0)') }}
{%- endmacro %}
