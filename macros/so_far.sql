{# The greatest value of a column from the beginning of its line of rows up to each of them. #}
{% macro so_far(column, partition_by, order_by) -%}
    max({{ column }}) over (
        partition by {{ partition_by | join(', ') }} order by {{ in_order(order_by) }}
        rows between unbounded preceding and current row
    )
{%- endmacro %}
