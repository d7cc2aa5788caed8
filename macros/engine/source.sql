{#
  What landed is Parquet in folders of days, read in place. DuckDB reads it by the sources' `meta`. Spark needs tables
  that stand on these folders, or it looks into every file for its columns each time that a model names them; it asks
  its catalog for the days that a query wants, and opens no others. DATA must be a whole path, or a cluster's URI.
#}
{% macro registered_sources() -%}
    {{ adapter.dispatch('registered_sources')() }}
{%- endmacro %}

{% macro default__registered_sources() -%}
{%- endmacro %}

{% macro spark__registered_sources() -%}
    {%- set folders = {'landed': '/landed/{}', 'closed': '/closed/*/{}.parquet'} -%}
    {%- for source in (graph.sources if execute else {}).values() -%}
        {%- set table = source.schema ~ '.' ~ source.identifier -%}
        {%- set path = env_var('DATA', 'data') ~ folders[source.schema].format(source.identifier) -%}
        {%- do run_query('create schema if not exists ' ~ source.schema) -%}
        {%- do run_query('drop table if exists ' ~ table) -%}
        {%- do run_query('create table ' ~ table ~ ' using parquet options (path "' ~ path ~ '")') -%}
        {%- if source.schema == 'landed' -%}
            {%- do run_query('msck repair table ' ~ table) -%}
        {%- endif -%}
    {%- endfor -%}
{%- endmacro %}
