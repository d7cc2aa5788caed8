{# A model's name without who serves it, which eval tools write before it: openai/gpt-5, anthropic/bedrock/claude-5. #}
{% macro bare_model(model, provider) -%}
    lower(case
        when {{ begins_with(model, provider ~ " || '/'") }} then substr({{ model }}, length({{ provider }}) + 2)
        when position('/' || {{ provider }} || '/' in {{ model }}) > 0
            then substr({{ model }}, position('/' || {{ provider }} || '/' in {{ model }}) + length({{ provider }}) + 2)
        else {{ model }}
    end)
{%- endmacro %}
