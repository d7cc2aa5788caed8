{# Tier, context and region as one text: NULL where none of them is known. #}
{% macro match_rate(scope, relation=none) -%}
    nullif(concat_ws(' | ', {% for part in scope -%}
        {{ relation ~ '.' if relation }}{{ part }}{{ ', ' if not loop.last }}
    {%- endfor %}), '')
{%- endmacro %}
