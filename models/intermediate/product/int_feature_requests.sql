{{ replaces_touched("month", by="month", rebuilt_at_news_of="product") }}
with causes as (

    select * from {{ ref('int_traces_caused') }}

),

request_starts as (

    select
        trace_key,
        min(started_on) as began_on
    from {{ ref('int_current_feature_shares') }}
    where trace_key in (select causes.request_key from causes)
    group by trace_key

),

requests as (

    select distinct
        costs.month,
        costs.feature_id,
        costs.plan,
        costs.segment,
        costs.started_on,
        costs.user_id,
        costs.account_id,
        -- How many requests this one stands for: as many as the call that stands for most.
        max(costs.adjusted_count) over (
            partition by costs.month, coalesce(costs.request_key, causes.request_key), costs.feature_id
        ) as adjusted_count,
        coalesce(costs.request_key, causes.request_key) as request_key
    from {{ ref('int_feature_costs') }} as costs
    left join causes on costs.request_key is null and {{ is_request_of('causes', 'costs') }}
    left join request_starts on coalesce(costs.request_key, causes.request_key) = request_starts.trace_key
    where
        costs.purpose = 'production'
        and coalesce(costs.request_key, causes.request_key) is not null
        -- A request with calls of its own is counted by them: neither a batch counts it again, nor work that it causes
        -- in a later month.
        and case
            when costs.request_key is null then request_starts.trace_key is null
            else coalesce(request_starts.began_on, costs.month) >= costs.month
        end

),

request_features as (

    select distinct
        request_key,
        feature_id
    from requests

),

traces_of_one_request as (

    select distinct
        trace_key,
        request_key
    from causes
    where is_only_request

),

-- An event may reference a trace that its request caused.
stated_answers as (

    select
        coalesce(traces_of_one_request.request_key, events.trace_key) as request_key,
        events.feature_id,
        sum(events.answers) as answers
    from {{ ref('int_usage_event_traces') }} as events
    left join traces_of_one_request on events.trace_key = traces_of_one_request.trace_key
    where events.place = 1 and events.trace_key is not null
    group by coalesce(traces_of_one_request.request_key, events.trace_key), events.feature_id

),

-- Product telemetry may name the feature differently from the spans.
answers_of_other_features as (

    select
        stated_answers.request_key,
        sum(stated_answers.answers) as answers
    from stated_answers
    left join request_features
        on
            stated_answers.request_key = request_features.request_key
            and stated_answers.feature_id = request_features.feature_id
    where request_features.request_key is null
    group by stated_answers.request_key

)

select
    requests.month,
    requests.feature_id,
    requests.plan,
    requests.segment,
    requests.started_on,
    requests.user_id,
    requests.account_id,
    requests.request_key,
    requests.adjusted_count,
    cast(coalesce(stated_answers.answers, answers_of_other_features.answers) as bigint) as answers
from requests
left join stated_answers
    on requests.request_key = stated_answers.request_key and requests.feature_id = stated_answers.feature_id
left join answers_of_other_features on requests.request_key = answers_of_other_features.request_key
