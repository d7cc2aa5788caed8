{# How a relation that many models read is held. DuckDB reads a few columns of Parquet as fast as of its own tables. #}
{% macro held_for_many() -%}
    {{ return(adapter.dispatch('held_for_many')()) }}
{%- endmacro %}

{% macro duckdb__held_for_many() -%}
    {{ return('view') }}
{%- endmacro %}

{# Spark looks into its folders, plans and computes at every mention. #}
{% macro spark__held_for_many() -%}
    {{ return('table') }}
{%- endmacro %}
