{#
  On DuckDB tables are replaced, or rows of them, in one transaction, which happens as a whole or not at all. dbt-duckdb's
  own materializations build beside the table, rename twice and drop: half of what a small model takes, and a copy of
  what a large one adds.
#}
{% materialization table, adapter="duckdb" -%}
    {{ return(_in_place()) }}
{%- endmaterialization %}

{% materialization incremental, adapter="duckdb" -%}
    {{ return(_in_place()) }}
{%- endmaterialization %}

{% macro _in_place() -%}
    {%- set existing, table = load_cached_relation(this), this.incorporate(type='table') -%}
    {%- set strategy, meta = config.get('incremental_strategy'), model.config.meta -%}
    {{ run_hooks(pre_hooks) }}
    {%- if existing is not none and not existing.is_table -%}
        {%- do adapter.drop_relation(existing) -%}
    {%- endif -%}
    {%- call statement('main') -%}
        {%- if config.get('materialized') == 'incremental' and existing.is_table and builds_on() -%}
            {%- if strategy == 'replace_touched' -%}
                delete from {{ table }}
                where {{ is_touched(config.get('unique_key'), meta['by'], meta['rebuilt_at_news_of']) }};
            {%- endif -%}
            insert into {{ table }} by name {{ compiled_code }}
        {%- else -%}
            {{ create_table_as(False, table, compiled_code) | replace('create  table', 'create or replace table', 1) }}
        {%- endif -%}
    {%- endcall -%}
    {%- do persist_docs(table, model) -%}
    {{ run_hooks(post_hooks) }}
    {%- do adapter.commit() -%}
    {{ return({'relations': [table]}) }}
{%- endmacro %}
