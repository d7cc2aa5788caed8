-- one row per call that was in vain, whole or in part: the kind of waste
{{ config(materialized="view") }}
with reported as (

    select * from {{ ref('int_calls_reported') }}
    where started_at is not null and {{ is_touched('started_on', 'nearby_day', is_utc=true) }}

),

-- Of some calls only the bill says how they ended.
billed as (

    select
        {{ row_key('response_id') }} as call_key,
        bool_or(is_cancelled) as is_cancelled
    from {{ ref('stg_openrouter__activity') }}
    where (is_cancelled or is_failed) and response_id is not null
    group by response_id

),

called as (

    select
        {{ all_but('reported', ['is_cancelled']) }},
        reported.is_cancelled or coalesce(billed.is_cancelled, false) as is_cancelled,
        reported.is_failed or reported.is_cancelled or billed.call_key is not null as is_in_vain
    from reported
    left join billed on reported.call_key = billed.call_key

),

attempts as (

    select * from called
    where
        is_in_vain
        or trace_key in (
            select resent.trace_key from called as resent
            where resent.resend_count > 0
        )

),

-- The same request again: beneath the same span, to the same model, with as much input, soon after.
repeated as (

    select distinct attempts.call_key
    from attempts
    inner join called as later
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
-- A conversation's prefix is its own; what stands before it, other calls of the service may read.
caching as (

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
    from reported
    where cache_read_tokens > 0 or cache_write_5m_tokens > 0 or cache_write_1h_tokens > 0

),

-- Who reads more than the writer itself found there reads what it wrote.
unread as (

    select call_key
    from caching
    where
        cache_write_tokens > 0
        and coalesce(session_read_tokens, 0) <= cache_read_tokens
        and (cache_read_tokens > 0 or coalesce(service_read_tokens, 0) = 0)

)

-- Each dollar is wasted once.
select
    called.call_key,
    case
        when repeated.call_key is not null then 'retry'
        when called.is_cancelled then 'cancelled'
        when called.is_in_vain then 'failed'
        else 'cache_write_unread'
    end as kind
from called
left join repeated on called.call_key = repeated.call_key
left join unread on called.call_key = unread.call_key
where repeated.call_key is not null or called.is_in_vain or unread.call_key is not null
