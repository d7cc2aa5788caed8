{# The body of the CTE `name`, which stands between `call` and `endcall` and reads the CTEs `given`; steps read it again. #}
{% macro set_aside(name, given) -%}
    {{ adapter.dispatch('set_aside')(name, given, caller() | trim) }}
{%- endmacro %}

{% macro duckdb__set_aside(name, given, body) -%}
    {{ body }}
{%- endmacro %}

{# Spark would compute it at each step: a table. A unit test's rows stand in no table. #}
{% macro spark__set_aside(name, given, body) -%}
    {%- if not execute or model.config.materialized == 'unit' -%}
        {{ body }}
    {%- else -%}
        select * from {{ _table_aside(name, given, body) }}
    {%- endif -%}
{%- endmacro %}

{# A table of a model's own, MODEL__NAME; it stays for who wants to look. #}
{% macro _table_aside(name, given, body, partitions='') -%}
    {%- set table = this.incorporate(path={'identifier': this.identifier ~ '__' ~ name}, type='table') -%}
    {%- do run_query('drop table if exists ' ~ table) -%}
    {%- do run_query('create table ' ~ table ~ ' using parquet ' ~ partitions ~ ' as ' ~ _with(given) ~ body) -%}
    {{ return(table) }}
{%- endmacro %}

{# CTEs that stand in a text of their own, before a statement that reads them. #}
{% macro _with(given) -%}
    {{ return('with ' ~ given.strip().rstrip(',') ~ '\n' if given else '') }}
{%- endmacro %}
