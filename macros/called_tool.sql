{# The tool that a span calls: without an attribute of it, the span's name carries it (`execute_tool search`). #}
{% macro called_tool() -%}
    coalesce(tool_name, replace(span_name, 'execute_tool ', ''))
{%- endmacro %}
