{#
  Of the rows that the select between `call` and `endcall` gives, the first of each partition. Keys are texts, or lists of
  texts.
#}
{% macro first_rows(partition_by, order_by) -%}
    {{ caller() | trim }}
    qualify row_number() over (
        partition by {{ partition_by if partition_by is string else partition_by | join(', ') }}
        order by {{ in_order(order_by) }}
    ) = 1
{%- endmacro %}
