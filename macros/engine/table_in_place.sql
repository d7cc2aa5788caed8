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

{# Spark's adapter drops a table before it makes it anew: one that asks what it said before is made beside it. #}
{% materialization table, adapter="spark" -%}
    {%- if not builds_on() or load_cached_relation(this) is none or this | string not in model.compiled_code -%}
        {{ return(dbt.materialization_table_spark()) }}
    {%- endif -%}
    {%- set part = this.incorporate(path={'identifier': this.identifier ~ '__part'}, type='table') -%}
    {{ run_hooks(pre_hooks) }}
    {%- do adapter.drop_relation(part) -%}
    {%- call statement('main') -%}
        {{ create_table_as(False, part, model.compiled_code) }}
    {%- endcall -%}
    {%- do adapter.drop_relation(this.incorporate(type='table')) -%}
    {%- do adapter.rename_relation(part, this.incorporate(type='table')) -%}
    {{ run_hooks(post_hooks) }}
    {{ return({'relations': [this.incorporate(type='table')]}) }}
{%- endmaterialization %}
