with reported_calls as (

    select * from {{ ref('int_reported_calls') }}
    where started_at is not null and {{ is_touched('started_on', 'nearby_day', is_utc=true) }}

),

ended_generations as (

    select * from {{ ref('stg_openrouter__activity') }}
    where is_cancelled or is_failed

),

-- For some calls only the bill states how they ended.
calls_ended_by_bill as (

    select
        {{ row_key('response_id') }} as call_key,
        bool_or(is_cancelled) as is_cancelled
    from ended_generations
    where response_id is not null
    group by response_id

),

calls as (

    select
        {{ all_but('reported', ['is_cancelled']) }},
        reported.is_cancelled or coalesce(ended.is_cancelled, false) as is_cancelled,
        reported.is_failed or reported.is_cancelled or ended.call_key is not null as is_in_vain
    from reported_calls as reported
    left join calls_ended_by_bill as ended on reported.call_key = ended.call_key

),

attempts as (

    select * from calls
    where
        is_in_vain
        or trace_key in (
            select resent.trace_key from calls as resent
            where resent.resend_count > 0
        )

),

-- A retry is the same request under the same span, to the same model, with as much input, soon after.
retried_calls as (

    select distinct attempts.call_key
    from attempts
    inner join calls as later
        on
            attempts.trace_key = later.trace_key
            and attempts.parent_span_key is not distinct from later.parent_span_key
            and attempts.model_name is not distinct from later.model_name
            and (
                attempts.all_input_tokens = later.all_input_tokens or not attempts.has_usage or not later.has_usage
            )
            and (attempts.started_at, attempts.call_key) < (later.started_at, later.call_key)
            and {{ microseconds_apart('attempts.started_at', 'later.started_at') }}
            <= {{ var('retry_within_minutes') }} * 60000000
    where attempts.is_in_vain or attempts.resend_count < later.resend_count

),

{% set read_in = "max(cache_read_tokens) over (partition by {} order by started_at range between "
    ~ "interval 1 microsecond following and interval {} following)" %}
{% set session, service = "coalesce(session_id, trace_id), provider_name, model_name",
    "service_name, provider_name, account_id, api_key, model_name" %}
-- Only its own conversation reads a conversation's prefix; what precedes it may be read by other calls of the service.
caching_calls as (

    select
        call_key,
        cache_read_tokens,
        cache_write_5m_tokens + cache_write_1h_tokens as cache_write_tokens,
        case
            when cache_write_1h_tokens > 0 then {{ read_in.format(session, '3600 second') }}
            else {{ read_in.format(session, '300 second') }}
        end as session_read_tokens,
        case
            when cache_write_1h_tokens > 0 then {{ read_in.format(service, '3600 second') }}
            else {{ read_in.format(service, '300 second') }}
        end as service_read_tokens
    from reported_calls
    where cache_read_tokens > 0 or cache_write_5m_tokens > 0 or cache_write_1h_tokens > 0

),

-- A later call reads what this one wrote if it reads more than this one found in the cache.
unread_cache_writes as (

    select call_key
    from caching_calls
    where
        cache_write_tokens > 0
        and coalesce(session_read_tokens, 0) <= cache_read_tokens
        and (cache_read_tokens > 0 or coalesce(service_read_tokens, 0) = 0)

)

-- Each call gets one kind of waste, so that no dollar counts twice.
select
    calls.call_key,
    case
        when retried.call_key is not null then 'retry'
        when calls.is_cancelled then 'cancelled'
        when calls.is_in_vain then 'failed'
        else 'cache_write_unread'
    end as kind
from calls
left join retried_calls as retried on calls.call_key = retried.call_key
left join unread_cache_writes as unread on calls.call_key = unread.call_key
where retried.call_key is not null or calls.is_in_vain or unread.call_key is not null
