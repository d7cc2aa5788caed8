{# All rows of relations that differ in their columns; a column that one of them lacks is NULL in its rows. #}
{% macro union_by_name(relations) -%}
    {{ adapter.dispatch('union_by_name')(relations) }}
{%- endmacro %}

{% macro duckdb__union_by_name(relations) -%}
    {%- for relation in relations -%}
        select * from {{ relation }}{{ ' union all by name ' if not loop.last }}
    {%- endfor -%}
{%- endmacro %}

{# Spark's SQL has no such union: the columns are looked up in the views, which exist by the time that a model runs. #}
{% macro spark__union_by_name(relations) -%}
    {%- set stated, names = [], [] -%}
    {%- for relation in relations -%}
        {%- do stated.append(adapter.get_columns_in_relation(relation) | map(attribute='name') | list if execute else []) -%}
        {%- do names.extend(stated[-1]) -%}
    {%- endfor -%}
    {%- for relation in relations -%}
        {%- set columns = stated[loop.index0] -%}
        select
            {%- for name in names | unique %} {{ name if name in columns else 'null as ' ~ name }}{{ ',' if not loop.last }}
            {%- else %} *
            {%- endfor %} from {{ relation }}{{ ' union all ' if not loop.last }}
    {%- endfor -%}
{%- endmacro %}
