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

{# Spark gives md5 as hexadecimal text; DuckDB reads its octets from the last to the first. #}
{% macro spark__row_key(text) -%}
    cast(floor(cast(conv(
        {%- for octet in range(8) %}substr(md5({{ text }}), {{ 31 - 2 * octet }}, 2){{ ' || ' if not loop.last }}{% endfor -%}
    , 16, 10) as decimal(20, 0)) / 2) as bigint)
{%- endmacro %}
