{# A relation (`chain`, `step`, `caller`, `callee`) of each pair of neighbours in a ' > ' path, one row per hop. #}
{% macro path_steps(relation) -%}
    {{ adapter.dispatch('path_steps')(relation) }}
{%- endmacro %}

{% macro duckdb__path_steps(relation) -%}
    select
        chain,
        step,
        string_split(chain, ' > ')[step] as caller,
        string_split(chain, ' > ')[step + 1] as callee
    from {{ relation }}, unnest(range(1, len(string_split(chain, ' > ')))) as steps (step)
{%- endmacro %}
