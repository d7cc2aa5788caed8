-- one row per session, model and hour of which metrics alone tell: the tokens and cost that they add up to, as one call
{{ replaces_touched("trace_key", by="trace", days="started_on") }}
{% set counted = ['stated_usd', 'all_input_tokens', 'all_output_tokens'] %}
{% for meter in call_meters() %}
    {% do counted.append(meter_column(meter)) %}
{% endfor %}
{% set shared = [
    'trace_key', 'trace_id', 'session_id', 'service_name', 'provider_name', 'server_address', 'model_name',
    'service_tier', 'inference_geo', 'api_key', 'account_id'
] %}
with points as (

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

-- Counters only grow: what an earlier point of the same series had counted is not usage again.
differences as (

    select
        points.*,
        {% for column in counted %}
            case
                when points.is_cumulative and points.{{ column }} is not null
                    then greatest(points.{{ column }} - coalesce(max(points.{{ column }}) over earlier, 0), 0)
                else points.{{ column }}
            end as added_{{ column }},
        {% endfor %}
        coalesce(
            max(case when points.is_cumulative then points.ended_at end) over earlier, points.started_at
        ) as begins_at
    from points
    window earlier as (
        partition by trace_key, series, series_start, is_cumulative
        order by ended_at, span_id
        rows between unbounded preceding and 1 preceding
    )

),

-- Logs and spans report the same requests one by one, and better.
requests as (

    select
        session_id,
        service_name,
        date_trunc('hour', coalesce(ended_at, started_at)) as reported_hour
    from {{ ref('int_spans_reopened') }}
    where is_billable

),

reported as (

    select distinct
        'session:' || session_id as reporter,
        reported_hour
    from requests
    where session_id in (select points.session_id from points)

    union all

    select distinct
        'service:' || service_name as reporter,
        reported_hour
    from requests
    where
        service_name in (
            select points.service_name from points
            where points.session_id is null
        )

),

unreported as (

    select differences.*
    from differences
    left join reported
        on
            differences.reporter = reported.reporter
            and reported.reported_hour between
            date_trunc('hour', differences.begins_at) and date_trunc('hour', differences.ended_at)
    where reported.reported_hour is null

),

hours as (

    select
        {{ shared | join(',\n        ') }},
        date_trunc('hour', ended_at) as metered_hour,
        min_by(span_key, span_id) as span_key,
        min(span_id) as span_id,
        min(span_name) as span_name,
        min(started_on) as started_on,
        min(started_at) as started_at,
        {% for column in counted %}
            sum(added_{{ column }}) as {{ column }},
        {% endfor %}
        min(cached_input_rule) as cached_input_rule
    from unreported
    group by {{ shared | join(', ') }}, date_trunc('hour', ended_at)

)

select
    {{ row_key("trace_id || ':' || span_id") }} as call_key,
    trace_id || ':' || span_id as call_id,
    false as is_answered,
    0 as spans,
    trace_key,
    span_key,
    trace_id,
    span_id,
    started_on,
    started_at,
    span_name,
    service_name,
    provider_name,
    server_address,
    model_name,
    service_tier,
    inference_geo,
    api_key,
    account_id,
    cast(stated_usd as decimal(38, 18)) as stated_usd,
    false as is_failed,
    {% for meter in call_meters() %}
        cast({{ meter_column(meter) }} as bigint) as {{ meter_column(meter) }},
    {% endfor %}
    true as has_usage,
    false as is_cache_write_timed,
    cached_input_rule
from hours
where all_input_tokens + all_output_tokens > 0
