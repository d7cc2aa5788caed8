{# Where Anthropic's files say that a model ran; what had no choice ran anywhere. #}
{% macro geo_named(said) -%}
    replace(
        nullif(regexp_extract({{ said }}, '(?:^|[|] )(us|eu|global|not_available)(?: [|]|$)', 1), ''), 'not_available',
        'global'
    )
{%- endmacro %}
