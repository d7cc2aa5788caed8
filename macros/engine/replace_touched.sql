{#
  Stands at the head of a model that builds on: of its table the rows of what this build reads anew go, also where
  nothing takes their place, and the model's rows come. `key` and `by` as is_touched has them; `days` is the column of
  days of a table that is keyed by traces, if it has one. Without `by` the rows that are there stay, unless all is
  built anew.
#}
{% macro replaces_touched(key, by, rebuilt_at_news_of=none, days=none) -%}
    {{ config(
        materialized="touched_partitions" if target.type == 'spark' else "incremental",
        incremental_strategy="replace_touched", unique_key=key, on_schema_change="fail",
        meta={"by": by, "rebuilt_at_news_of": rebuilt_at_news_of}
    ) }}
    {{- config(partition_by=days or key) if target.type == 'spark' and (days or by not in ('trace', none)) -}}
    {%- set depends_on = is_touched(key, by) if by and not execute -%}
{%- endmacro %}

{# dbt's custom incremental strategy `replace_touched`: both statements are one transaction of the materialization. #}
{% macro get_incremental_replace_touched_sql(arg_dict) -%}
    {%- set columns = get_quoted_csv(arg_dict['dest_columns'] | map(attribute='name')) -%}
    delete from {{ arg_dict['target_relation'] }} where {{ _is_replaced() }};
    insert into {{ arg_dict['target_relation'] }} ({{ columns }})
    select {{ columns }} from {{ arg_dict['temp_relation'] }};
    drop table {{ arg_dict['temp_relation'] }} {#- which the adapter would keep until the connection ends #}
{%- endmacro %}

{% macro _is_replaced() -%}
    {%- set meta = model.config.meta -%}
    {%- if meta['by'] -%}
        {{ is_touched(config.get('unique_key'), meta['by'], meta['rebuilt_at_news_of']) }}
    {%- else -%}
        {{ 'false' if builds_on() else 'true' }}
    {%- endif -%}
{%- endmacro %}

{#
  The same on Spark, whose adapter takes no strategies of a project's own, and whose Parquet has no deletes: tables stand
  in a folder per day (or month), and the folders that a build touches are overwritten. What other traces have in them
  is kept; a table of traces without days is one folder. A build that fails between the last three statements is
  followed by one anew.
#}
{% materialization touched_partitions, adapter='spark' -%}
    {%- if load_cached_relation(this) is none or not builds_on() -%}
        {{ return(materialization_table_spark()) }}
    {%- endif -%}
    {%- set by, folder = model.config.meta['by'], config.get('partition_by') -%}
    {%- set part = this.incorporate(path={'identifier': this.identifier ~ '__part'}, type='table') -%}
    {%- set touched = _is_replaced() -%}
    {%- set overwritten = touched -%}
    {%- if by == 'trace' -%}
        {%- set overwritten = is_touched(folder, 'span_day') ~ ' or ' ~ folder ~ ' is null' if folder else 'true' -%}
    {%- endif -%}
    {%- set columns = adapter.get_columns_in_relation(this) | map(attribute='name') | join(', ') -%}
    {{ run_hooks(pre_hooks) }}
    {%- if not by -%}
        {%- call statement('main') -%}
            insert into {{ this }} by name {{ compiled_code }}
        {%- endcall -%}
        {{ run_hooks(post_hooks) }}
        {{ return({'relations': [this]}) }}
    {%- endif -%}
    {%- do adapter.drop_relation(part) -%}
    {%- call statement('part') -%}
        create table {{ part }} using parquet as
        select {{ columns }} from (
            {{ compiled_code }}
        ) as comes
        {%- if by == 'trace' %}
        union all
        select {{ columns }} from {{ this }} where ({{ overwritten }}) and not ({{ touched }})
        {%- endif -%}
    {%- endcall -%}
    {%- set days = _first_column(folder ~ ' from ' ~ this ~ ' where ' ~ overwritten) if folder else [] -%}
    {%- for day in days -%}
        {%- set folder_of_day = folder ~ ' = ' ~ ('null' if day == 'None' else "date '" ~ day ~ "'") -%}
        {%- do run_query('alter table ' ~ this ~ ' drop if exists partition (' ~ folder_of_day ~ ')') -%}
    {%- endfor -%}
    {%- call statement('main') -%}
        insert overwrite table {{ this }} select {{ columns }} from {{ part }}
    {%- endcall -%}
    {%- do adapter.drop_relation(part) -%}
    {{ run_hooks(post_hooks) }}
    {{ return({'relations': [this]}) }}
{%- endmaterialization %}
