-- A trace that one request caused is part of that request.
with traces_of_one_request as (

    select distinct
        trace_key,
        request_key
    from {{ ref('int_traces_caused') }}
    where is_only_request

),

event_requests as (

    select
        events.month,
        events.feature_id,
        events.method,
        events.answers,
        coalesce(caused.request_key, events.trace_key) as request_key
    from {{ ref('int_usage_event_traces') }} as events
    left join traces_of_one_request as caused on events.trace_key = caused.trace_key
    where events.place = 1

),

-- A request that several events found counts once, under the most reliable method.
request_methods as (

    {% call first_rows(
        partition_by="request_key", order_by="case method when 'trace_id' then 1 when 'request_id' then 2 else 3 end"
    ) %}
        select distinct
            request_key,
            method
        from event_requests
        where request_key is not null
    {% endcall %}

),

production_shares as (

    select
        cast(date_trunc('month', shares.started_on) as date) as month,
        shares.originating_feature_id as feature_id,
        coalesce(caused.request_key, shares.trace_key) as request_key,
        coalesce(found.method, 'no_event') as method,
        shares.pnl_usd
    from {{ ref('int_current_feature_shares') }} as shares
    left join traces_of_one_request as caused on shares.trace_key = caused.trace_key
    left join request_methods as found on coalesce(caused.request_key, shares.trace_key) = found.request_key
    where shares.purpose = 'production'

),

requests as (

    select
        month,
        feature_id,
        method,
        count(distinct request_key) as traces,
        sum(pnl_usd) as production_usd
    from production_shares
    group by month, feature_id, method

),

events as (

    select
        month,
        feature_id,
        method,
        count(*) as events,
        sum(answers) as answers
    from event_requests
    group by month, feature_id, method

),

events_and_requests as (

    select
        coalesce(events.month, requests.month) as month,
        coalesce(events.feature_id, requests.feature_id) as feature_id,
        coalesce(events.method, requests.method) as method,
        coalesce(events.events, 0) as events,
        coalesce(events.answers, 0) as answers,
        coalesce(requests.traces, 0) as traces,
        coalesce(requests.production_usd, 0) as production_usd,
        sum(requests.production_usd) over (
            partition by coalesce(events.month, requests.month), coalesce(events.feature_id, requests.feature_id)
        ) as feature_usd
    from events
    full outer join requests
        on events.month = requests.month and events.feature_id = requests.feature_id and events.method = requests.method

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
from events_and_requests
