-- one row per call: those that spans report, and the rest of what agents state beyond them
{{ config(materialized="view") }}
{% set columns = [
    'call_key', 'call_id', 'response_id', 'spans', 'trace_key', 'span_key', 'trace_id', 'span_id', 'started_on',
    'started_at', 'span_name', 'service_name', 'provider_name', 'server_address', 'model_name', 'service_tier',
    'api_key', 'account_id', 'stated_usd', 'is_failed', 'has_usage', 'cached_input_rule'
] %}
{% for meter in call_meters() %}
    {% do columns.append(meter ~ '_tokens') %}
{% endfor %}
select
    {{ columns | join(',\n    ') }},
    false as is_residual
from {{ ref('int_calls_reported') }}

union all

select
    {{ columns | join(',\n    ') }},
    true as is_residual
from {{ ref('int_calls_residual') }}
