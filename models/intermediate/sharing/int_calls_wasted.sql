-- one row per call that was in vain, whole or in part: the kind of waste
{{ config(materialized="view") }}
with reported as (

    select * from {{ ref('int_calls_reported') }}
    where started_at is not null

),

-- Of some calls only the bill says how they ended.
billed as (

    select
        {{ row_key('response_id') }} as call_key,
        bool_or(is_cancelled) as is_cancelled
    from {{ ref('stg_openrouter__charges') }}
    where (is_cancelled or is_failed) and response_id is not null
    group by response_id

),

ended as (

    select
        {{ all_but('reported', ['is_cancelled']) }},
        reported.is_cancelled or coalesce(billed.is_cancelled, false) as is_cancelled
    from reported
    left join billed on reported.call_key = billed.call_key
    where reported.is_failed or reported.is_cancelled or billed.call_key is not null

),

resent as (

    select * from reported
    where resend_count > 0

),

-- The same request again: beneath the same span, to the same model, with as much input, soon after.
{% for earlier, later in [('ended', 'reported'), ('reported', 'resent')] %}
{{ earlier }}_again as (

    select distinct earlier.call_key
    from {{ earlier }} as earlier
    inner join {{ later }} as later
        on
            earlier.trace_key = later.trace_key
            and earlier.parent_span_key is not distinct from later.parent_span_key
            and earlier.model_name is not distinct from later.model_name
            and (
                earlier.all_input_tokens = later.all_input_tokens or not earlier.has_usage or not later.has_usage
            )
            and (earlier.started_at, earlier.call_key) < (later.started_at, later.call_key)
            and {{ microseconds_apart('earlier.started_at', 'later.started_at') }}
            <= {{ var('retry_within_minutes') }} * 60000000
    {% if later == 'resent' %}
        where earlier.resend_count < later.resend_count
    {% endif %}

),
{% endfor %}

-- A conversation's prefix is its own; what stands before it, other calls of the service may read.
{% set of_service = "service_name, provider_name, account_id, api_key, model_name" %}
{% set of_session = "coalesce(session_id, trace_id), provider_name, model_name" %}
caching as (

    select
        call_key,
        cache_read_tokens,
        cache_write_5m_tokens + cache_write_1h_tokens as cache_write_tokens,
        {% for scope, keys in [('session', of_session), ('service', of_service)] %}
            case
                {% for condition, life in [('when cache_write_1h_tokens > 0 then', '1 hour'), ('else', '5 minute')] %}
                    {{ condition }} max(cache_read_tokens) over (
                        partition by {{ keys }} order by started_at
                        range between interval 1 microsecond following and interval {{ life }} following
                    )
                {% endfor %}
            end as {{ scope }}_read_tokens{{ ',' if not loop.last }}
        {% endfor %}
    from reported
    where cache_read_tokens > 0 or cache_write_5m_tokens > 0 or cache_write_1h_tokens > 0

),

kinds as (

    select call_key, 'retry' as kind, 1 as place from ended_again
    union all
    select call_key, 'retry' as kind, 1 as place from reported_again
    union all
    select call_key, case when is_cancelled then 'cancelled' else 'failed' end as kind, 2 as place from ended
    union all
    -- Who reads more than the writer itself found there reads what it wrote.
    select call_key, 'cache_write_unread' as kind, 3 as place from caching
    where
        cache_write_tokens > 0
        and coalesce(session_read_tokens, 0) <= cache_read_tokens
        and (cache_read_tokens > 0 or coalesce(service_read_tokens, 0) = 0)

)

-- Each dollar is wasted once.
select
    call_key,
    min_by(kind, place) as kind
from kinds
group by call_key
