{#
  What landed is Parquet in folders of days, read in place. DuckDB reads it by the sources' `meta`. Spark needs tables
  that stand on these folders, or it looks into every file for its columns each time that a model names them; it asks
  its catalog for the days that a query wants, and opens no others. Closed months have no days: few files, named by their
  path. LEDGER_DATA must be a whole path, or a cluster's URI.
#}
{% macro registered_sources() -%}
    {{ adapter.dispatch('registered_sources')() }}
{%- endmacro %}

{% macro default__registered_sources() -%}
{%- endmacro %}

{% macro spark__registered_sources() -%}
    {%- for source in (graph.sources if execute else {}).values() -%}
        {%- set table, data = source.schema ~ '.' ~ source.identifier, env_var('LEDGER_DATA', 'data') -%}
        {%- do run_query('create schema if not exists ' ~ source.schema) -%}
        {%- if source.schema == 'closed' -%}
            {%- set files = data ~ '/closed/*/' ~ source.identifier ~ '.parquet' -%}
            {%- do run_query('create or replace view ' ~ table ~ ' as select * from parquet.`' ~ files ~ '`') -%}
        {%- else -%}
            {%- set folder = data ~ '/landed/' ~ source.identifier -%}
            {%- do run_query('drop table if exists ' ~ table) -%}
            {%- do run_query('create table ' ~ table ~ ' using parquet options (path "' ~ folder ~ '")') -%}
            {%- do run_query('msck repair table ' ~ table) -%}
        {%- endif -%}
    {%- endfor -%}
{%- endmacro %}
