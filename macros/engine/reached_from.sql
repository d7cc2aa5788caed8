{#
  The body of a recursive CTE: the rows that `first` gives, and those that the select between `call` and `endcall` reaches
  from them by as many steps as it takes. `given` are the CTEs that both read; they stand before it all the same. Each row
  comes once; with `level`, the column that counts steps, it is reached once only by itself.
#}
{% macro reached_from(name, first, given='', level=none) -%}
    {{ adapter.dispatch('reached_from')(name, first | trim, caller, given, level) }}
{%- endmacro %}

{% macro duckdb__reached_from(name, first, further, given, level) -%}
    {{ first }}

    union {{ 'all' if level }}

    {{ further(name) | trim }}
{%- endmacro %}

{#
  Spark's recursion can't leave out what it has seen, and computes what it joins at each level: steps are inserted into a
  table, until one has nothing new, or the limit of levels is reached. A unit test's rows stand in no table.
#}
{% macro spark__reached_from(name, first, further, given, level) -%}
    {%- set limit = walk_limit() if level else 100000 -%}
    {%- if not execute or model.config.materialized == 'unit' -%}
        {{ first }} union all select * from ({{ further(name) }}) where {{ level or 0 }} <= {{ limit }}
    {%- else -%}
        {%- set state = namespace(rows=1) -%}
        {%- set begin -%} select {{ 'distinct' if not level }} *, 0 as step from ({{ first }}) {%- endset -%}
        {%- set table = _table_aside(name, given, begin, 'partitioned by (step)') -%}
        {%- for step in range(1, limit + 1) if state.rows -%}
            {%- set last = '(select * from ' ~ table ~ ' where step = ' ~ (step - 1) ~ ') as ' ~ name -%}
            {%- set seen = 'except select ' ~ all_but('', ['step']) ~ ' from ' ~ table if not level -%}
            {%- set reached = 'select *, ' ~ step ~ ' as step from (' ~ further(last) ~ '\n' ~ seen ~ ')' -%}
            {%- do run_query('insert into ' ~ table ~ '\n' ~ _with(given) ~ reached) -%}
            {%- set state.rows = run_query('select count(*) from ' ~ table ~ ' where step = ' ~ step).rows[0][0] -%}
        {%- endfor -%}
        select {{ all_but('', ['step']) }} from {{ table }}
    {%- endif -%}
{%- endmacro %}
