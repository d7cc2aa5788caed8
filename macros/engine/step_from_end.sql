{# The team that stands so many steps from the end of a ' > ' path (1 is the last), NULL where there is none. #}
{% macro step_from_end(path, place) -%}
    {{ adapter.dispatch('step_from_end')(path, place) }}
{%- endmacro %}

{% macro duckdb__step_from_end(path, place) -%}
    string_split(nullif({{ path }}, ''), ' > ')[-{{ place }}]
{%- endmacro %}

{# Spark fails where an element is not there, unless it is tried. #}
{% macro spark__step_from_end(path, place) -%}
    try_element_at(split(nullif({{ path }}, ''), ' > '), -{{ place }})
{%- endmacro %}
