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

{# Spark counts a list's elements from 0, and its sequences run backward where the end is before the start. #}
{% macro spark__path_steps(relation) -%}
    select
        chain,
        step,
        split(chain, ' > ')[step - 1] as caller,
        split(chain, ' > ')[step] as callee
    from {{ relation }} lateral view explode(
        case when size(split(chain, ' > ')) > 1 then sequence(1, size(split(chain, ' > ')) - 1) end
    ) steps as step
{%- endmacro %}
