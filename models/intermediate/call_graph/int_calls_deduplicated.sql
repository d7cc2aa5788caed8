-- one row per call: those that spans report, tools that are billed, and the rest of what agents state beyond them
{{ config(materialized="view") }}
{% set columns = [
    'call_key', 'call_id', 'response_id', 'spans', 'trace_key', 'span_key', 'trace_id', 'span_id', 'started_on',
    'started_at', 'span_name', 'service_name', 'provider_name', 'server_address', 'model_name', 'service_tier',
    'api_key', 'account_id', 'stated_usd', 'is_failed', 'has_usage', 'cached_input_rule'
] %}
{% for meter in call_meters() %}
    {% do columns.append(meter ~ '_tokens') %}
{% endfor %}
{% for model, is_residual, tool_meter in [
    ('int_calls_reported', 'false', 'cast(null as varchar)'),
    ('int_tools_called', 'false', 'tool_meter'),
    ('int_calls_residual', 'true', 'cast(null as varchar)')
] %}
    select
        {{ columns | join(',\n        ') }},
        {{ tool_meter }} as tool_meter,
        {{ is_residual }} as is_residual
    from {{ ref(model) }}
    {% if not loop.last %}
        union all
    {% endif %}
{% endfor %}
