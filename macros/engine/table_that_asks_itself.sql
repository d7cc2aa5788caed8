{#
  How a table is stored whose model reads what it said before. DuckDB's adapter makes each table beside the one that is
  there. Spark's drops that first.
#}
{% macro table_that_asks_itself() -%}
    {{ return('table_beside' if target.type == 'spark' else 'table') }}
{%- endmacro %}

{% materialization table_beside, adapter="spark" -%}
    {%- if not builds_on() or load_cached_relation(this) is none -%}
        {{ return(materialization_table_spark()) }}
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
