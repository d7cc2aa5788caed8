{#
  Overrides dbt's own: what landed is Parquet in folders of days, read in place. DuckDB reads it by the sources' `meta`;
  Spark by a path, from whose folders it knows the days, so that those that nobody asks for are not opened.
#}
{% macro source(source_name, table_name) -%}
    {{ return(adapter.dispatch('read_in_place')(builtins.source(source_name, table_name))) }}
{%- endmacro %}

{% macro default__read_in_place(relation) -%}
    {{ return(relation) }}
{%- endmacro %}

{% macro spark__read_in_place(relation) -%}
    {%- if model.config.materialized == 'unit' -%}
        {{ return(relation) }}
    {%- endif -%}
    {%- set files = 'closed/*/entries.parquet' if relation.schema == 'closed' else 'landed/' ~ relation.identifier -%}
    {{ return('parquet.`' ~ env_var('DATA', 'data') ~ '/' ~ files ~ '`') }}
{%- endmacro %}
