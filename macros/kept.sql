{#
  The materialization `kept`: a table that stays as the last build left it, unless files of the subject that it reads
  (meta.rebuilt_at_news_of) have landed since.
#}
{% materialization kept, default -%}
    {%- set kept = load_cached_relation(this) -%}
    {%- if kept is not none and builds_on() and not has_news(model.config.meta['rebuilt_at_news_of']) -%}
        {%- call noop_statement('main', 'KEPT') -%}
            {{ sql }}
        {%- endcall -%}
        {{ return({'relations': [kept]}) }}
    {%- endif -%}
    {{ return(adapter.dispatch("rebuilt")()) }}
{%- endmaterialization %}

{% macro duckdb__rebuilt() -%}
    {{ return(_in_place()) }}
{%- endmacro %}

{# Spark makes the table anew by itself. #}
{% macro spark__rebuilt() -%}
    {{ return(materialization_table_spark()) }}
{%- endmacro %}
