{{ replaces_touched("trace_key", by="trace", days="started_on") }}
{% set counted_columns = ['stated_usd', 'all_input_tokens', 'all_output_tokens'] %}
{% set call_columns = [
    'trace_key', 'trace_id', 'span_key', 'span_id', 'span_name', 'started_on', 'started_at', 'service_name',
    'provider_name', 'server_address', 'model_name', 'service_tier', 'inference_geo', 'api_key', 'account_id',
    'stated_usd', 'is_failed', 'cached_input_rule'
] %}
{% for meter in call_meters() %}
    {% do counted_columns.append(meter_column(meter)) %}
    {% do call_columns.append(meter_column(meter)) %}
{% endfor %}
{% set metered_by = [
    'trace_key', 'trace_id', 'session_id', 'service_name', 'provider_name', 'server_address', 'model_name',
    'service_tier', 'inference_geo', 'api_key', 'account_id'
] %}
with tool_calls as (

    select
        spans.trace_key,
        spans.trace_id,
        spans.span_key,
        spans.span_id,
        spans.span_name,
        spans.started_on,
        spans.started_at,
        spans.service_name,
        tools.tool_provider as provider_name,
        cast(null as string) as server_address,
        -- Prices and bills know a tool by its name.
        tools.called_tool as model_name,
        spans.service_tier,
        spans.inference_geo,
        spans.api_key,
        spans.account_id,
        spans.stated_usd,
        spans.is_failed,
        spans.cached_input_rule,
        -- Usage on a tool's span is that of the calls beneath it.
        {{ meter_columns('0 as ') }},
        tools.tool_meter
    from {{ ref('int_spans') }} as tools
    inner join {{ ref('int_spans_reopened') }} as spans
        on tools.trace_key = spans.trace_key and tools.span_key = spans.span_key
    where tools.tool_meter is not null

),

residuals as (

    select
        *,
        greatest(least(rest_all_input_tokens, rest_cache_read_tokens), 0) as rest_cached_tokens,
        greatest(least(rest_all_output_tokens, rest_reasoning_tokens), 0) as rest_reasoned_tokens
    from {{ ref('int_agent_residuals') }}
    where is_beyond and not is_explained

),

residual_calls as (

    select
        spans.trace_key,
        spans.trace_id,
        spans.span_key,
        spans.span_id,
        spans.span_name,
        spans.started_on,
        spans.started_at,
        spans.service_name,
        coalesce(spans.provider_name, residuals.called_provider_name) as provider_name,
        spans.server_address,
        coalesce(spans.model_name, residuals.called_model_name) as model_name,
        spans.service_tier,
        spans.inference_geo,
        spans.api_key,
        spans.account_id,
        cast(null as decimal(38, 18)) as stated_usd,
        spans.is_failed,
        spans.cached_input_rule,
        cast(residuals.rest_all_input_tokens - residuals.rest_cached_tokens as bigint) as input_tokens,
        cast(residuals.rest_cached_tokens as bigint) as cache_read_tokens,
        0 as cache_write_5m_tokens,
        0 as cache_write_1h_tokens,
        0 as audio_input_tokens,
        0 as image_input_tokens,
        cast(residuals.rest_all_output_tokens - residuals.rest_reasoned_tokens as bigint) as output_tokens,
        cast(residuals.rest_reasoned_tokens as bigint) as reasoning_tokens,
        0 as audio_output_tokens,
        0 as image_output_tokens,
        0 as web_search_requests,
        0 as requests
    from residuals
    inner join {{ ref('int_spans_reopened') }} as spans
        on residuals.trace_key = spans.trace_key and residuals.span_key = spans.span_key

),

metric_points as (

    select
        *,
        span_id like 'cumulative:%' as is_cumulative,
        -- Without a session, any request of the service may be one that the metric counted.
        coalesce('session:' || session_id, 'service:' || service_name) as reporter,
        split_part(span_id, ':', 2) as series,
        split_part(span_id, ':', 3) as series_start
    from {{ ref('int_spans_reopened') }}
    where operation_name = 'usage_metric'

),

-- Cumulative counters only grow, so only the growth since the series' earlier points is new usage.
metric_increases as (

    select
        points.*,
        {% for column in counted_columns %}
            case
                when points.is_cumulative and points.{{ column }} is not null
                    then greatest(points.{{ column }} - coalesce(max(points.{{ column }}) over earlier, 0), 0)
                else points.{{ column }}
            end as added_{{ column }},
        {% endfor %}
        coalesce(
            max(case when points.is_cumulative then points.ended_at end) over earlier, points.started_at
        ) as begins_at
    from metric_points as points
    window earlier as (
        partition by trace_key, series, series_start, is_cumulative
        order by ended_at, span_id
        rows between unbounded preceding and 1 preceding
    )

),

requests as (

    select
        session_id,
        service_name,
        date_trunc('hour', coalesce(ended_at, started_at)) as reported_hour
    from {{ ref('int_spans_reopened') }}
    where is_billable

),

-- Logs and spans report the same requests one by one, and better.
reported_hours as (

    select distinct
        'session:' || session_id as reporter,
        reported_hour
    from requests
    where session_id in (select metric_points.session_id from metric_points)

    union all

    select distinct
        'service:' || service_name as reporter,
        reported_hour
    from requests
    where
        service_name in (
            select metric_points.service_name from metric_points
            where metric_points.session_id is null
        )

),

metered_hours as (

    select
        increases.{{ metered_by | join(',\n        increases.') }},
        min_by(increases.span_key, increases.span_id) as span_key,
        min(increases.span_id) as span_id,
        min(increases.span_name) as span_name,
        min(increases.started_on) as started_on,
        min(increases.started_at) as started_at,
        {% for column in counted_columns %}
            sum(increases.added_{{ column }}) as {{ column }},
        {% endfor %}
        min(increases.cached_input_rule) as cached_input_rule
    from metric_increases as increases
    left join reported_hours
        on
            increases.reporter = reported_hours.reporter
            and reported_hours.reported_hour between
            date_trunc('hour', increases.begins_at) and date_trunc('hour', increases.ended_at)
    where reported_hours.reported_hour is null
    group by increases.{{ metered_by | join(', increases.') }}, date_trunc('hour', increases.ended_at)

),

metered_calls as (

    select
        {{ metered_by | join(',\n        ') }},
        span_key,
        span_id,
        span_name,
        started_on,
        started_at,
        cast(stated_usd as decimal(38, 18)) as stated_usd,
        false as is_failed,
        {% for meter in call_meters() %}
            cast({{ meter_column(meter) }} as bigint) as {{ meter_column(meter) }},
        {% endfor %}
        cached_input_rule
    from metered_hours
    where all_input_tokens + all_output_tokens > 0

),

derived_calls as (

    select
        {{ call_columns | join(',\n        ') }},
        1 as spans,
        tool_meter,
        false as is_residual
    from tool_calls

    union all

    select
        {{ call_columns | join(',\n        ') }},
        0 as spans,
        cast(null as string) as tool_meter,
        true as is_residual
    from residual_calls

    union all

    select
        {{ call_columns | join(',\n        ') }},
        0 as spans,
        cast(null as string) as tool_meter,
        false as is_residual
    from metered_calls

)

select
    {{ row_key("trace_id || ':' || span_id") }} as call_key,
    trace_id || ':' || span_id as call_id,
    false as is_answered,
    spans,
    {{ call_columns | join(',\n    ') }},
    true as has_usage,
    false as is_cache_write_timed,
    tool_meter,
    is_residual
from derived_calls
