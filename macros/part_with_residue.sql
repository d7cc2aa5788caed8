{#
  A split's part plus, on the row with the largest weight (ties by `tie_breaker`), what flooring left over: the parts of
  a group add up to `amount` exactly.
#}
{% macro part_with_residue(amount, part, weight, group_by, tie_breaker) -%}
    cast(
        {{ part }} + case
            when row_number() over (partition by {{ group_by }} order by {{ weight }} desc, {{ in_order(tie_breaker) }}) = 1
                then {{ amount }} - sum({{ part }}) over (partition by {{ group_by }})
            else 0
        end as decimal(38, 12)
    )
{%- endmacro %}
