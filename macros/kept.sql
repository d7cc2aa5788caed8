{#
  The materialization `kept`: a table that stays as the last build left it, unless files of the subject that it reads
  (meta.rebuilt_at_news_of) have landed since. Its query, which may be long, is not asked then.
#}
{% materialization kept, adapter="duckdb" -%}
    {{ return(_stays() if not _is_due() else materialization_table_duckdb()) }}
{%- endmaterialization %}

{% materialization kept, adapter="spark" -%}
    {{ return(_stays() if not _is_due() else materialization_table_spark()) }}
{%- endmaterialization %}

{% macro _is_due() -%}
    {{ return(
        load_cached_relation(this) is none or not builds_on() or has_news(model.config.meta['rebuilt_at_news_of'])
    ) }}
{%- endmacro %}

{% macro _stays() -%}
    {%- call noop_statement('main', 'KEPT') -%}
        {{ sql }}
    {%- endcall -%}
    {{ return({'relations': [load_cached_relation(this)]}) }}
{%- endmacro %}
