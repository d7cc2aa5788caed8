{# The region in which Anthropic's files say that a model ran; a model without a choice of region ran globally. #}
{% macro geo_named(said) -%}
    replace(
        nullif(regexp_extract({{ said }}, '(?:^|[|] )(us|eu|global|not_available)(?: [|]|$)', 1), ''), 'not_available',
        'global'
    )
{%- endmacro %}
