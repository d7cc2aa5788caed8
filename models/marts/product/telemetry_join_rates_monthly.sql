-- one row per month, feature and method: usage events by how they found calls (or none), and calls that no event found
-- Traces that one request caused are part of that request.
with caused as (

    select distinct
        trace_key,
        request_key
    from {{ ref('int_traces_caused') }}
    where is_only_request

),

joined as (

    select
        events.month,
        events.feature_id,
        events.method,
        events.answers,
        coalesce(caused.request_key, events.trace_key) as request_key
    from {{ ref('int_usage_event_traces') }} as events
    left join caused on events.trace_key = caused.trace_key
    where events.place = 1

),

-- A request that several events found counts once, under the surest method.
found as (

    {% call first_rows(
        partition_by="request_key", order_by="case method when 'trace_id' then 1 when 'request_id' then 2 else 3 end"
    ) %}
        select distinct
            request_key,
            method
        from joined
        where request_key is not null
    {% endcall %}

),

labelled as (

    select
        cast(date_trunc('month', shares.started_on) as date) as month,
        shares.originating_feature_id as feature_id,
        coalesce(caused.request_key, shares.trace_key) as request_key,
        coalesce(found.method, 'no_event') as method,
        shares.borne_usd
    from {{ costed_shares() }} as shares
    left join caused on shares.trace_key = caused.trace_key
    left join found on coalesce(caused.request_key, shares.trace_key) = found.request_key
    where shares.purpose = 'production'

),

calls as (

    select
        month,
        feature_id,
        method,
        count(distinct request_key) as traces,
        sum(borne_usd) as production_usd
    from labelled
    group by month, feature_id, method

),

events as (

    select
        month,
        feature_id,
        method,
        count(*) as events,
        sum(answers) as answers
    from joined
    group by month, feature_id, method

),

paired as (

    select
        coalesce(events.month, calls.month) as month,
        coalesce(events.feature_id, calls.feature_id) as feature_id,
        coalesce(events.method, calls.method) as method,
        coalesce(events.events, 0) as events,
        coalesce(events.answers, 0) as answers,
        coalesce(calls.traces, 0) as traces,
        coalesce(calls.production_usd, 0) as production_usd,
        sum(calls.production_usd) over (
            partition by coalesce(events.month, calls.month), coalesce(events.feature_id, calls.feature_id)
        ) as feature_usd
    from events
    full outer join calls
        on events.month = calls.month and events.feature_id = calls.feature_id and events.method = calls.method

)

select
    month,
    feature_id,
    method,
    cast(events as bigint) as events,
    cast(events as double) / nullif(sum(events) over (partition by month, feature_id), 0) as events_pct,
    cast(answers as bigint) as answers,
    cast(traces as bigint) as traces,
    {{ money('production_usd') }} as production_usd,
    cast(production_usd as double) / nullif(cast(feature_usd as double), 0) as production_usd_pct
from paired
