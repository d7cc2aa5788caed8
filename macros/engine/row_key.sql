{#
  A 63-bit key of a text, for joins; the text stands beside it, and a uniqueness test shows a collision. Not hash() of
  DuckDB: ids that differ in two places collide there.
#}
{% macro row_key(text) -%}
    {{ adapter.dispatch('row_key')(text) }}
{%- endmacro %}

{% macro duckdb__row_key(text) -%}
    cast(md5_number_lower({{ text }}) >> 1 as bigint)
{%- endmacro %}
