-- one row per usage event and trace that its ids name, else one request of its user's; `place` 1 is the one that counts
{% set window_us = var('telemetry_window_minutes') * 60000000 %}
with events as (

    select * from {{ ref('stg_product__usage_events') }}

),

shares as (

    select * from {{ ref('int_current_feature_shares') }}

),

caused as (

    select * from {{ ref('int_traces_caused') }}

),

caused_traces as (

    select distinct trace_key
    from caused

),

-- A request may have no calls of its own, but cause another trace that has.
traces as (

    select trace_key
    from shares
    union
    select request_key as trace_key
    from caused

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
    where trace_key in (select traces.trace_key from traces)

    union

    select
        events.event_id,
        'request_id' as method,
        requests.trace_key
    from events
    inner join requests on events.request_id = requests.request_id
    where requests.trace_key in (select traces.trace_key from traces)

),

-- An event with an id that finds nothing is of a request that was not exported: another one is not it.
strangers as (

    select * from events
    where trace_key is null and request_id is null and user_id is not null

),

-- A request that an event names by id is not available to events without ids. A caused trace belongs to its request.
served as (

    select
        shares.user_id,
        shares.originating_feature_id as feature_id,
        coalesce(caused.request_key, shares.trace_key) as trace_key,
        min(calls.started_at) as served_at
    from shares
    inner join {{ ref('int_calls_deduplicated') }} as calls on shares.call_key = calls.call_key
    left join caused_traces on shares.trace_key = caused_traces.trace_key
    left join caused on {{ is_request_of('caused', 'shares', 'originating_feature_id') }}
    where
        shares.user_id in (select strangers.user_id from strangers)
        and shares.purpose in ('production', 'unknown')
        and shares.trace_key not in (select named.trace_key from named)
        and (caused.trace_key is not null or caused_traces.trace_key is null)
    group by shares.user_id, shares.originating_feature_id, coalesce(caused.request_key, shares.trace_key)

),

starts as (

    select
        trace_key,
        min(started_at) as started_at
    from {{ ref('stg_telemetry__spans') }}
    where trace_key in (select served.trace_key from served)
    group by trace_key

),

begun as (

    select
        served.user_id,
        served.feature_id,
        served.trace_key,
        least(served.served_at, coalesce(starts.started_at, served.served_at)) as begun_at
    from served
    left join starts on served.trace_key = starts.trace_key
    where served.trace_key not in (select named.trace_key from named)

),

-- Events and requests pair like brackets: each event takes the user's latest request before it that no other took.
-- Requests of the same feature are paired first; unlabelled ones serve the events that remain.
{% set phases = [
    ('labelled', 'user_id, feature_id', "feature_id != 'unlabelled'", 'true'), (
        'unlabelled', 'user_id',
        "feature_id = 'unlabelled' and trace_key not in (select paired.trace_key from labelled as paired)",
        'event_id not in (select paired.event_id from labelled as paired)'
    )
] %}
{% set in_time = "happened_at, is_event, coalesce(event_id, ''), trace_key" %}
{% for phase, party, are_open, are_left in phases %}
    {{ phase }}_turns as (

        select
            user_id,
            feature_id,
            begun_at as happened_at,
            0 as is_event,
            trace_key,
            cast(null as {{ dbt.type_string() }}) as event_id
        from begun
        where {{ are_open }}

        union all

        select
            user_id,
            feature_id,
            occurred_at as happened_at,
            1 as is_event,
            cast(null as bigint) as trace_key,
            event_id
        from strangers
        where {{ are_left }}

    ),

    {{ phase }}_balanced as (

        select
            *,
            sum(1 - 2 * is_event) over (
                partition by {{ party }}
                order by {{ in_order(in_time) }}
                rows between unbounded preceding and current row
            ) as balance
        from {{ phase }}_turns

    ),

    -- Below the lowest balance so far nothing is open: such an event finds no request.
    {{ phase }}_floored as (

        select
            *,
            least(coalesce(min(balance) over (
                partition by {{ party }}
                order by {{ in_order(in_time) }}
                rows between unbounded preceding and 1 preceding
            ), 0), 0) as floor_before
        from {{ phase }}_balanced

    ),

    {{ phase }}_levelled as (

        select
            *,
            balance - floor_before + is_event as level
        from {{ phase }}_floored
        where balance >= floor_before

    ),

    {{ phase }}_met as (

        select
            event_id,
            is_event,
            happened_at,
            lag(trace_key) over (partition by {{ party }}, level order by {{ in_order(in_time) }}) as trace_key,
            lag(happened_at) over (partition by {{ party }}, level order by {{ in_order(in_time) }}) as begun_at
        from {{ phase }}_levelled

    ),

    {{ phase }} as (

        select
            event_id,
            'user_window' as method,
            trace_key
        from {{ phase }}_met
        where is_event = 1 and {{ microseconds_apart('begun_at', 'happened_at') }} <= {{ window_us }}

    ),

{% endfor %}

joined as (

    select * from named
    union all
    select * from labelled
    union all
    select * from unlabelled

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
