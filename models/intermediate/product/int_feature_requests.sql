-- one row per month, feature and production request: the answers that joined events state, NULL without any
{{ replaces_touched("month", by="month", rebuilt_at_news_of="product") }}
with requests as (

    select distinct
        month,
        feature_id,
        request_key
    from {{ ref('int_requests_costed') }}

),

served as (

    select distinct
        request_key,
        feature_id
    from requests

),

caused as (

    select distinct
        trace_key,
        request_key
    from {{ ref('int_traces_caused') }}
    where is_only_request

),

-- An event may name the work that its request caused in another trace.
events as (

    select
        coalesce(caused.request_key, joined.trace_key) as request_key,
        joined.feature_id,
        sum(joined.answers) as answers
    from {{ ref('int_usage_event_traces') }} as joined
    left join caused on joined.trace_key = caused.trace_key
    where joined.place = 1 and joined.trace_key is not null
    group by coalesce(caused.request_key, joined.trace_key), joined.feature_id

),

-- Telemetry may call the feature otherwise than the request's label does.
renamed as (

    select
        events.request_key,
        sum(events.answers) as answers
    from events
    left join served on events.request_key = served.request_key and events.feature_id = served.feature_id
    where served.request_key is null
    group by events.request_key

)

select
    requests.month,
    requests.feature_id,
    requests.request_key,
    cast(coalesce(events.answers, renamed.answers) as bigint) as answers
from requests
left join events on requests.request_key = events.request_key and requests.feature_id = events.feature_id
left join renamed on requests.request_key = renamed.request_key
