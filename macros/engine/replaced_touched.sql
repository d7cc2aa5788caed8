{#
  Stands at the head of a model that builds on: of its table the rows of what this build reads anew go, also where
  nothing takes their place, and the model's rows come. `key` and `by` as is_touched has them.
#}
{% macro replaces_touched(key, by, rebuilt_at_news_of=none) -%}
    {{ config(
        materialized="incremental", incremental_strategy="replace_touched", unique_key=key, on_schema_change="fail",
        meta={"by": by, "rebuilt_at_news_of": rebuilt_at_news_of}
    ) }}
    {%- set depends_on = is_touched(key, by) if not execute -%}
{%- endmacro %}

{# Spark's adapter knows no strategies of a project's own, and its Parquet no deletes. #}
{% materialization incremental, adapter='spark' -%}
    {%- if load_cached_relation(this) is none or should_full_refresh() -%}
        {{ return(materialization_table_spark()) }}
    {%- endif -%}
    {{ exceptions.raise_compiler_error("not yet") }}
{%- endmaterialization %}
