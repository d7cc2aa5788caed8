-- one row per call: the best of what its spans say, and the span whose place in a trace it takes
with grouped as (

    select * from {{ ref('int_billable_spans_grouped') }}
    where not is_wrapper

),

spans as (

    select * from {{ ref('stg_telemetry__spans') }}
    where is_billable

),

walked as (

    select * from {{ ref('int_spans_walked') }}

),

ranked as (

    select
        spans.*,
        grouped.call_id,
        grouped.response_id as call_response_id,
        -- Place: a labelled span before an unlabelled one, then one that knows the response, then the first to start.
        row_number() over (
            partition by grouped.call_id
            order by
                (walked.originating_feature_id is not null) desc,
                grouped.is_identified desc,
                walked.depth desc,
                spans.started_at,
                spans.trace_key,
                spans.span_key
        ) as place_for_position,
        -- Usage: the provider's own count, then the span nearest the wire; an estimate without an id comes last.
        row_number() over (
            partition by grouped.call_id
            order by
                spans.has_usage desc,
                spans.is_provider_usage desc,
                grouped.is_identified desc,
                walked.depth desc,
                spans.trace_key,
                spans.span_key
        ) as place_for_usage
    from grouped
    inner join spans
        on grouped.trace_key = spans.trace_key and grouped.span_key = spans.span_key
    inner join walked
        on grouped.trace_key = walked.trace_key and grouped.span_key = walked.span_key

)

select
    call_id,
    max(call_response_id) as response_id,
    count(*) as spans,
    max(case when place_for_position = 1 then trace_key end) as trace_key,
    max(case when place_for_position = 1 then span_key end) as span_key,
    max(case when place_for_position = 1 then trace_id end) as trace_id,
    max(case when place_for_position = 1 then span_id end) as span_id,
    max(case when place_for_position = 1 then started_at end) as started_at,
    max(case when place_for_position = 1 then ended_at end) as ended_at,
    min_by(service_name, place_for_position) filter (where service_name is not null) as service_name,
    max(case when place_for_position = 1 then span_name end) as span_name,
    -- Of attributes, the first that any of the call's spans knows.
    min_by(provider_name, place_for_usage) filter (where provider_name is not null) as provider_name,
    min_by(server_address, place_for_usage) filter (where server_address is not null) as server_address,
    min_by(model_name, place_for_usage) filter (where model_name is not null) as model_name,
    min_by(service_tier, place_for_usage) filter (where service_tier is not null) as service_tier,
    min_by(api_key, place_for_usage) filter (where api_key is not null) as api_key,
    min_by(account_id, place_for_usage) filter (where account_id is not null) as account_id,
    min_by(request_id, place_for_usage) filter (where request_id is not null) as request_id,
    min_by(stated_usd, place_for_usage) filter (where stated_usd is not null) as stated_usd,
    bool_or(status = 'error') as is_failed,
    bool_or(has_usage) as has_usage,
    max(case when place_for_usage = 1 then cached_input_rule end) as cached_input_rule,
    max(case when place_for_usage = 1 then input_tokens end) as input_tokens,
    max(case when place_for_usage = 1 then cache_read_tokens end) as cache_read_tokens,
    max(case when place_for_usage = 1 then cache_write_5m_tokens end) as cache_write_5m_tokens,
    max(case when place_for_usage = 1 then cache_write_1h_tokens end) as cache_write_1h_tokens,
    max(case when place_for_usage = 1 then audio_input_tokens end) as audio_input_tokens,
    max(case when place_for_usage = 1 then output_tokens end) as output_tokens,
    max(case when place_for_usage = 1 then reasoning_tokens end) as reasoning_tokens,
    max(case when place_for_usage = 1 then audio_output_tokens end) as audio_output_tokens
from ranked
group by call_id
