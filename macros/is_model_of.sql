{# A model's name without the vendor or router before it, in lower case: openai/GPT-5 is gpt-5. #}
{% macro bare_model(name) -%}
    {{ without_pattern('lower(' ~ name ~ ')', '^.*/') }}
{%- endmacro %}

{# True where a name means a model: the same name, with or without a vendor, or one whose dated ids the model is of. #}
{% macro is_model_of(name, model) -%}
    (
        {{ bare_model(model) }} = {{ bare_model(name) }}
        -- Providers date what they serve: gpt-4o is served as gpt-4o-2024-08-06, claude-3-5-haiku-latest as its newest.
        or {{ without_pattern(bare_model(model), '[-@](20[0-9]{6}|20[0-9]{2}-[0-9]{2}-[0-9]{2}|[0-9]{4})(-v[0-9:]+)?$') }}
        = {{ without_pattern(bare_model(name), '-latest$') }}
    )
{%- endmacro %}
