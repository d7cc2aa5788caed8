{# The first team of a ' > ' path, NULL where the path is empty. #}
{% macro first_step(path) -%}
    nullif(split_part({{ path }}, ' > ', 1), '')
{%- endmacro %}
