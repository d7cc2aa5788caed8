{#
  `amount` in cents so that a group's cents add up to `total`, which is the group's rounded sum unless the caller has
  split a larger one: floor all, then one cent more for the rows with the largest remainders (ties by `tie_breaker`).
  Whole numbers of cents; the caller divides. `total` is the sum's floor or its ceiling.
#}
{% macro cents_by_largest_remainder(amount, group_by, tie_breaker, total=none) -%}
    cast(
        floor({{ amount }} * 100)
        + case
            when row_number() over (
                partition by {{ group_by }}
                order by {{ amount }} * 100 - floor({{ amount }} * 100) desc, {{ in_order(tie_breaker) }}
            ) <= {{ total or 'round(sum(' ~ amount ~ ') over (partition by ' ~ group_by ~ ') * 100)' }}
            - sum(floor({{ amount }} * 100)) over (partition by {{ group_by }}) then 1
            else 0
        end as bigint
    )
{%- endmacro %}

{# Whole cents as money with two places. #}
{% macro as_cents(cents) -%}
    cast(({{ cents }}) * 0.01 as decimal(38, 2))
{%- endmacro %}
