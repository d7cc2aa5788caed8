{#
  Of the rows that the select between `call` and `endcall` gives, the first of each partition. Keys are texts, or lists of
  texts.
#}
{% macro first_rows(partition_by, order_by) -%}
    {{ adapter.dispatch('first_rows')(
        caller() | trim,
        partition_by if partition_by is string else partition_by | join(', '),
        order_by if order_by is string else order_by | join(', ')
    ) }}
{%- endmacro %}

{% macro duckdb__first_rows(rows, partition_by, order_by) -%}
    {{ rows }}
    qualify row_number() over (partition by {{ partition_by }} order by {{ order_by }}) = 1
{%- endmacro %}
