{% set window_us = var('telemetry_window_minutes') * 60000000 %}
with events as (

    select * from {{ ref('stg_product__usage_events') }}

),

shares as (

    select * from {{ ref('int_current_feature_shares') }}

),

causes as (

    select * from {{ ref('int_traces_caused') }}

),

caused_traces as (

    select distinct trace_key
    from causes

),

-- A request without calls of its own counts too, if it caused a trace with calls.
request_traces as (

    select trace_key
    from shares
    union
    select request_key as trace_key
    from causes

),

-- A request id may be an attribute of any span of the trace, or the provider's response id.
request_ids as (

    select
        request_id,
        trace_key
    from {{ ref('stg_telemetry__span_times') }}

    union all

    select
        call_id as request_id,
        trace_key
    from {{ ref('int_calls') }}
    where is_answered

),

referenced_traces as (

    select
        event_id,
        'trace_id' as method,
        trace_key
    from events
    where trace_key in (select request_traces.trace_key from request_traces)

    union

    select
        events.event_id,
        'request_id' as method,
        request_ids.trace_key
    from events
    inner join request_ids on events.request_id = request_ids.request_id
    where request_ids.trace_key in (select request_traces.trace_key from request_traces)

),

-- An event whose ids match nothing belongs to a request that was not exported, so it must not take another one.
events_without_ids as (

    select * from events
    where trace_key is null and request_id is null and user_id is not null

),

-- A request that an event references by id is not available to events without ids. A trace that a request caused is
-- part of that request.
available_requests as (

    select
        shares.user_id,
        shares.originating_feature_id as feature_id,
        coalesce(causes.request_key, shares.trace_key) as trace_key,
        min(shares.started_at) as served_at
    from shares
    left join caused_traces on shares.trace_key = caused_traces.trace_key
    left join causes on {{ is_request_of('causes', 'shares', 'originating_feature_id') }}
    where
        shares.user_id in (select events_without_ids.user_id from events_without_ids)
        and shares.purpose in ('production', 'unknown')
        and shares.trace_key not in (select referenced_traces.trace_key from referenced_traces)
        and (causes.trace_key is not null or caused_traces.trace_key is null)
    group by shares.user_id, shares.originating_feature_id, coalesce(causes.request_key, shares.trace_key)

),

trace_starts as (

    select
        trace_key,
        min(started_at) as started_at
    from {{ ref('stg_telemetry__span_times') }}
    where trace_key in (select available_requests.trace_key from available_requests)
    group by trace_key

),

request_starts as (

    select
        requests.user_id,
        requests.feature_id,
        requests.trace_key,
        least(requests.served_at, coalesce(trace_starts.started_at, requests.served_at)) as begun_at
    from available_requests as requests
    left join trace_starts on requests.trace_key = trace_starts.trace_key
    where requests.trace_key not in (select referenced_traces.trace_key from referenced_traces)

),

-- Events and requests are paired like brackets: each event takes the user's latest earlier request that no other event
-- took. Requests of the same feature are paired first, unlabelled ones with the events that remain.
{% set phases = [
    ('labelled', 'user_id, feature_id', "feature_id != 'unlabelled'", 'true'), (
        'unlabelled', 'user_id',
        "feature_id = 'unlabelled' and trace_key not in (select paired.trace_key from labelled as paired)",
        'event_id not in (select paired.event_id from labelled as paired)'
    )
] %}
{% set in_time = "happened_at, is_event, coalesce(event_id, ''), trace_key" %}
{% for phase, party, are_open, are_left in phases %}
    {{ phase }}_time_line as (

        select
            user_id,
            feature_id,
            begun_at as happened_at,
            0 as is_event,
            trace_key,
            cast(null as {{ dbt.type_string() }}) as event_id
        from request_starts
        where {{ are_open }}

        union all

        select
            user_id,
            feature_id,
            occurred_at as happened_at,
            1 as is_event,
            cast(null as bigint) as trace_key,
            event_id
        from events_without_ids
        where {{ are_left }}

    ),

    {{ phase }}_balances as (

        select
            *,
            sum(1 - 2 * is_event) over (
                partition by {{ party }}
                order by {{ in_order(in_time) }}
                rows between unbounded preceding and current row
            ) as balance
        from {{ phase }}_time_line

    ),

    -- Events below the lowest balance so far find no request, because none is left open.
    {{ phase }}_balance_floors as (

        select
            *,
            least(coalesce(min(balance) over (
                partition by {{ party }}
                order by {{ in_order(in_time) }}
                rows between unbounded preceding and 1 preceding
            ), 0), 0) as floor_before
        from {{ phase }}_balances

    ),

    {{ phase }}_bracket_levels as (

        select
            *,
            balance - floor_before + is_event as level
        from {{ phase }}_balance_floors
        where balance >= floor_before

    ),

    {{ phase }}_pairs as (

        select
            event_id,
            is_event,
            happened_at,
            lag(trace_key) over (partition by {{ party }}, level order by {{ in_order(in_time) }}) as trace_key,
            lag(happened_at) over (partition by {{ party }}, level order by {{ in_order(in_time) }}) as begun_at
        from {{ phase }}_bracket_levels

    ),

    {{ phase }} as (

        select
            event_id,
            'user_window' as method,
            trace_key
        from {{ phase }}_pairs
        where is_event = 1 and {{ microseconds_apart('begun_at', 'happened_at') }} <= {{ window_us }}

    ),

{% endfor %}

event_traces as (

    select * from referenced_traces
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
    coalesce(event_traces.method, 'none') as method,
    event_traces.trace_key,
    row_number() over (
        partition by events.event_id order by event_traces.method desc, event_traces.trace_key
    ) as place
from events
left join event_traces on events.event_id = event_traces.event_id
