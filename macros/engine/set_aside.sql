{# The body of the CTE `name`, which stands between `call` and `endcall` and reads the CTEs `given`; steps read it again. #}
{% macro set_aside(name, given) -%}
    {{ adapter.dispatch('set_aside')(name, given, caller() | trim) }}
{%- endmacro %}

{% macro duckdb__set_aside(name, given, body) -%}
    {{ body }}
{%- endmacro %}

{# Spark would compute it at each step: a table. #}
{% macro spark__set_aside(name, given, body) -%}
    {%- if not execute or model.config.materialized == 'unit' -%}
        {{ body }}
    {%- else -%}
        {%- set table = this.incorporate(path={'identifier': this.identifier ~ '__' ~ name}, type='table') -%}
        {%- do run_query('drop table if exists ' ~ table) -%}
        {%- do run_query('create table ' ~ table ~ ' using parquet as with ' ~ given.strip().rstrip(',') ~ '\n' ~ body) -%}
        select * from {{ table }}
    {%- endif -%}
{%- endmacro %}
