{# What the price of a unit depends on, beside the meter: calls that agree in these share one price of each meter. #}
{% macro price_situation() -%}
    {{ return([
        'provider', 'account_id', 'model', 'tool_meter', 'service_tier', 'inference_geo', 'priced_on', 'long_context_tokens',
        'priced_time'
    ]) }}
{%- endmacro %}
