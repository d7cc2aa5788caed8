{# True for use that the provider's cost report leaves out: Anthropic bills its Priority Tier by contract. #}
{% macro is_billed_apart(provider, tier) -%}
    ({{ provider }} = 'anthropic' and coalesce({{ tier }}, '') = 'priority')
{%- endmacro %}
