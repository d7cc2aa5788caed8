{# The keys by which files of bills list their lines, and may be filtered. #}
{% macro bill_keys() -%}
    {{ return(['key_id', 'key_name', 'project_id', 'project_name', 'model', 'service', 'region', 'category']) }}
{%- endmacro %}
