-- one row per call: those that spans report, billed tools, what agents state beyond them, what metrics alone tell, eval
-- runs that no span shows
{{ config(materialized="view") }}
{% set evaluated = ['input', 'cache_read', 'cache_write_5m', 'output', 'reasoning'] %}
{% set columns = [
    'call_key', 'call_id', 'is_answered', 'spans', 'trace_key', 'span_key', 'trace_id', 'span_id', 'started_on',
    'started_at', 'span_name', 'service_name', 'provider_name', 'server_address', 'model_name', 'service_tier',
    'inference_geo', 'api_key', 'account_id', 'stated_usd', 'is_failed', 'has_usage', 'cached_input_rule',
    'is_cache_write_timed'
] %}
{% for meter in call_meters() %}
    {% do columns.append(meter_column(meter)) %}
{% endfor %}
{% for model, is_residual, tool_meter, is_suspected in [
    ('int_calls_reported', 'false', 'cast(null as string)', 'is_suspected_copy'),
    ('int_tools_called', 'false', 'tool_meter', 'false'),
    ('int_calls_residual', 'true', 'cast(null as string)', 'false'),
    ('int_calls_metered', 'false', 'cast(null as string)', 'false')
] %}
    select
        {{ columns | join(',\n        ') }},
        {{ tool_meter }} as tool_meter,
        {{ is_residual }} as is_residual,
        {{ is_suspected }} as is_suspected_copy,
        {{ 'usage_fault' if model == 'int_calls_reported' else 'cast(null as string)' }} as usage_fault,
        {{ 'is_ambiguous_usage' if model == 'int_calls_reported' else 'false' }} as is_ambiguous_usage
    from {{ ref(model) }}

    union all

{% endfor %}

select
    call_key,
    call_id,
    false as is_answered,
    0 as spans,
    null as trace_key,
    null as span_key,
    null as trace_id,
    null as span_id,
    started_on,
    started_at,
    null as span_name,
    null as service_name,
    provider_name,
    null as server_address,
    model_name,
    null as service_tier,
    null as inference_geo,
    null as api_key,
    null as account_id,
    stated_usd,
    false as is_failed,
    has_usage,
    cached_input_rule,
    false as is_cache_write_timed,
    {% for meter in call_meters() %}
        {{ '0 as ' if meter not in evaluated }}{{ meter_column(meter) }},
    {% endfor %}
    cast(null as string) as tool_meter,
    false as is_residual,
    false as is_suspected_copy,
    cast(null as string) as usage_fault,
    cached_input_rule in ('ambiguous', 'default') as is_ambiguous_usage
from {{ ref('int_calls_evaluated') }}
