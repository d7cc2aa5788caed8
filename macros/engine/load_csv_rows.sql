{#
  Overrides dbt-spark's own, which writes a seed's rows into its statements, and takes a minute for the price book: a
  session of Spark on this machine (its profile's host is NA) reads the file in place. A cluster elsewhere does not see
  it, and is sent the rows.
#}
{% macro spark__load_csv_rows(model, agate_table) -%}
    {%- if target.host != 'NA' -%}
        {{ return(dbt.spark__load_csv_rows(model, agate_table)) }}
    {%- endif -%}
    {%- set names, types, columns = agate_table.column_names, model.config.column_types, [] -%}
    {%- for name in names -%}
        {%- do columns.append("cast(nullif(" ~ name ~ ", '') as " ~ types.get(name, 'string') ~ ') as ' ~ name) -%}
    {%- endfor -%}
    {%- call statement('file') -%}
        create or replace temporary view {{ this.identifier }}_file ({{ names | join(' string, ') }} string)
        using csv
        options (path '{{ model.root_path }}/{{ model.original_file_path }}', header 'true', escape '"', multiLine 'true')
    {%- endcall -%}
    {%- set rows = 'insert into ' ~ this ~ ' select ' ~ columns | join(', ') ~ ' from ' ~ this.identifier ~ '_file' -%}
    {%- do run_query(rows) -%}
    {{ return(rows) }}
{%- endmacro %}
