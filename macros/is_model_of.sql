{# A model's name without any vendor or router before it, in lower case: openrouter/openai/GPT-5 is gpt-5. #}
{% macro model_stem(name) -%}
    {{ without_pattern('lower(' ~ name ~ ')', '^.*/') }}
{%- endmacro %}

{# True where a name means a model: the same name, with or without a vendor, or one whose dated ids the model is of. #}
{% macro is_model_of(name, model) -%}
    (
        {{ model_stem(model) }} = {{ model_stem(name) }}
        -- Providers date what they serve: gpt-4o is served as gpt-4o-2024-08-06, claude-3-5-haiku-latest as its newest.
        or {{ without_pattern(model_stem(model), '[-@](20[0-9]{6}|20[0-9]{2}-[0-9]{2}-[0-9]{2}|[0-9]{4})(-v[0-9:]+)?$') }}
        = {{ without_pattern(model_stem(name), '-latest$') }}
    )
{%- endmacro %}
