-- one row per usage event and trace that its ids name, else the nearest of its user's; `place` 1 is the one that counts
{% set window_us = var('telemetry_window_minutes') * 60000000 %}
with events as (

    select * from {{ ref('stg_product__usage_events') }}

),

shares as (

    select * from {{ ref('int_shares_continued') }}

),

-- A request id stands on any span of a trace, or is the provider's name of its answer.
requests as (

    select
        request_id,
        trace_key
    from {{ ref('stg_telemetry__spans') }}

    union all

    select
        call_id as request_id,
        trace_key
    from {{ ref('int_calls_deduplicated') }}
    where is_answered

),

named as (

    select
        event_id,
        'trace_id' as method,
        trace_key
    from events
    where trace_key in (select shares.trace_key from shares)

    union

    select
        events.event_id,
        'request_id' as method,
        requests.trace_key
    from events
    inner join requests on events.request_id = requests.request_id
    where requests.trace_key in (select shares.trace_key from shares)

),

-- A moment's neighbours are in its bucket of time or beside it.
strangers as (

    select
        events.*,
        {{ whole_quotient(microsecond_of('events.occurred_at'), window_us) }} + steps.step as bucket
    from events
    cross join (values (-1), (0), (1)) as steps (step)
    where events.user_id is not null and events.event_id not in (select named.event_id from named)

),

-- What an id gives to another event is not up for guessing.
served as (

    select
        shares.user_id,
        shares.trace_key,
        shares.originating_feature_id as feature_id,
        min(calls.started_at) as served_at,
        {{ whole_quotient(microsecond_of('min(calls.started_at)'), window_us) }} as bucket
    from shares
    inner join {{ ref('int_calls_deduplicated') }} as calls on shares.call_key = calls.call_key
    where
        shares.user_id in (select strangers.user_id from strangers)
        and shares.purpose in ('production', 'unknown')
        and shares.trace_key not in (select named.trace_key from named)
    group by shares.user_id, shares.trace_key, shares.originating_feature_id

),

{% set apart = microseconds_apart("served.served_at", "strangers.occurred_at") %}
{% set is_other = "case when served.feature_id = strangers.feature_id then 0 else 1 end" %}
guessed as (

    {% call first_rows(partition_by="strangers.event_id", order_by=[is_other, apart, "served.trace_key"]) %}
        select
            strangers.event_id,
            'user_window' as method,
            served.trace_key
        from strangers
        inner join served on strangers.user_id = served.user_id and strangers.bucket = served.bucket
        where served.feature_id in (strangers.feature_id, 'unlabelled') and {{ apart }} <= {{ window_us }}
    {% endcall %}

),

joined as (

    select * from named
    union all
    select * from guessed

)

select
    events.event_id,
    events.month,
    events.feature_id,
    events.user_id,
    events.account_id,
    events.answers,
    coalesce(joined.method, 'none') as method,
    joined.trace_key,
    row_number() over (partition by events.event_id order by joined.method desc, joined.trace_key) as place
from events
left join joined on events.event_id = joined.event_id
