{{ config(materialized="view") }}
{% set columns = [
    'call_key', 'call_id', 'is_answered', 'spans', 'trace_key', 'span_key', 'trace_id', 'span_id', 'started_on',
    'started_at', 'span_name', 'service_name', 'provider_name', 'server_address', 'model_name', 'service_tier',
    'inference_geo', 'api_key', 'account_id', 'stated_usd', 'is_failed', 'has_usage', 'cached_input_rule',
    'is_cache_write_timed'
] %}
{% for meter in call_meters() %}
    {% do columns.append(meter_column(meter)) %}
{% endfor %}
select
    {{ columns | join(',\n    ') }},
    cast(null as string) as tool_meter,
    false as is_residual,
    is_suspected_copy,
    usage_fault,
    is_ambiguous_usage
from {{ ref('int_reported_calls') }}

union all

select
    {{ columns | join(',\n    ') }},
    tool_meter,
    is_residual,
    false as is_suspected_copy,
    cast(null as string) as usage_fault,
    false as is_ambiguous_usage
from {{ ref('int_derived_calls') }}

union all

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
    input_tokens,
    cache_read_tokens,
    cache_write_5m_tokens,
    0 as cache_write_1h_tokens,
    0 as audio_input_tokens,
    0 as image_input_tokens,
    output_tokens,
    reasoning_tokens,
    0 as audio_output_tokens,
    0 as image_output_tokens,
    0 as web_search_requests,
    0 as requests,
    cast(null as string) as tool_meter,
    false as is_residual,
    false as is_suspected_copy,
    cast(null as string) as usage_fault,
    cached_input_rule in ('ambiguous', 'default') as is_ambiguous_usage
from {{ ref('int_eval_calls') }}
