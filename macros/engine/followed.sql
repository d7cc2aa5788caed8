{#
  The body of a recursive CTE that takes so many steps: `first`, and what the select between `call` and `endcall` makes of
  the step before, which it is given with the kind of join to the edges that lead on. The select must leave as it is what
  a left join finds no edge for. `union` without `all` leaves out what it has seen.
#}
{% macro followed(name, first, steps, union='union all') -%}
    {{ adapter.dispatch('followed')(name, first | trim, steps, union, caller) }}
{%- endmacro %}

{% macro duckdb__followed(name, first, steps, union, further) -%}
    {{ first }}

    {{ union }}

    {{ further(name, 'inner') | trim }}
{%- endmacro %}

{# Spark's recursion neither groups nor leaves out what it has seen: the steps are written out, and who arrives stays. #}
{% macro spark__followed(name, first, steps, union, further) -%}
    {%- set reached = namespace(rows=first) -%}
    {%- for step in range(steps) -%}
        {%- set reached.rows = further('(\n' ~ reached.rows ~ '\n) as ' ~ name, 'left') -%}
    {%- endfor -%}
    {{ reached.rows }}
{%- endmacro %}
