{# True where a text begins with another, whatever signs that holds: LIKE would read some of them as its own. #}
{% macro begins_with(text, beginning) -%}
    left({{ text }}, length({{ beginning }})) = {{ beginning }}
{%- endmacro %}
