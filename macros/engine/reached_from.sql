{#
  The body of a recursive CTE: the rows that `first` gives, and those that the select between `call` and `endcall` reaches
  from them by as many steps as it takes, each row once. Neither reads other CTEs.
#}
{% macro reached_from(name, first) -%}
    {{ adapter.dispatch('reached_from')(name, first | trim, caller) }}
{%- endmacro %}

{% macro duckdb__reached_from(name, first, further) -%}
    {{ first }}

    union

    {{ further(name) | trim }}
{%- endmacro %}

{# Spark's recursion can't leave out what it has seen: steps are inserted into a table, until one has nothing new. #}
{% macro spark__reached_from(name, first, further) -%}
    {%- set table = this.incorporate(path={'identifier': this.identifier ~ '__' ~ name}, type='table') -%}
    {%- set state = namespace(rows=0, has_new=true) -%}
    {%- do run_query('drop table if exists ' ~ table) -%}
    {%- do run_query('create table ' ~ table ~ ' using parquet as select distinct * from (\n' ~ first ~ '\n)') -%}
    {%- for step in range(100000) if state.has_new -%}
        {%- do run_query('insert into ' ~ table ~ '\n' ~ further(table ~ ' as ' ~ name) ~ '\nexcept\nselect * from ' ~ table) -%}
        {%- set rows = run_query('select count(*) from ' ~ table).rows[0][0] -%}
        {%- set state.has_new = rows > state.rows -%}
        {%- set state.rows = rows -%}
    {%- endfor -%}
    select * from {{ table }}
{%- endmacro %}
