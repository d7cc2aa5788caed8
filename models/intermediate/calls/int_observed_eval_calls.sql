{{ replaces_touched("trace_key", by="trace") }}
with judging_rules as (

    select * from {{ ref('feature_rules') }}
    where lower(purpose) = 'evaluation'

),

attributed_calls as (

    select
        calls.call_key,
        calls.trace_key,
        calls.started_at,
        calls.model_name,
        calls.service_name,
        calls.span_name,
        attributed.root_service_name,
        attributed.root_span_name,
        attributed.route,
        attributed.prompt_template,
        coalesce(attributed.stated_purpose, causes.stated_purpose) as stated_purpose,
        attributed.environment_purpose,
        coalesce(causes.originating_feature_id, attributed.originating_feature_id, causes.ruled_feature_id)
            as originating_feature_id,
        attributed.serving_feature_id,
        coalesce(by_call.tie_key, by_trace.tie_key) as named_key,
        coalesce(by_call.feature_id, by_trace.feature_id) as named_feature_id
    from {{ ref('int_reported_calls') }} as calls
    inner join {{ ref('int_span_attribution') }} as attributed
        on calls.trace_key = attributed.trace_key and calls.span_key = attributed.span_key
    left join {{ ref('int_trace_origins') }} as causes
        on attributed.trace_key = causes.caused_trace_key and attributed.root_span_key = causes.caused_root_key
    left join {{ ref('int_evaluated_ids') }} as by_trace
        on calls.trace_key = by_trace.tie_key and by_trace.kind = 'trace' and by_trace.is_named
    left join {{ ref('int_evaluated_ids') }} as by_call
        on calls.call_key = by_call.tie_key and by_call.kind = 'call' and by_call.is_named
    where {{ is_touched('calls.trace_key', 'trace') }}

),

judging_calls as (

    select distinct
        calls.call_key,
        rules.feature_id
    from attributed_calls as calls
    inner join judging_rules as rules on {{ rule_fits('calls') }}
    where calls.stated_purpose is null

),

evaluations as (

    select
        calls.call_key,
        calls.trace_key,
        calls.started_at,
        calls.model_name,
        calls.serving_feature_id,
        coalesce(calls.named_feature_id, calls.originating_feature_id, judging_calls.feature_id) as evaluated_feature_id
    from attributed_calls as calls
    left join judging_calls on calls.call_key = judging_calls.call_key
    where
        calls.named_key is not null
        or judging_calls.call_key is not null
        or coalesce(calls.stated_purpose, calls.environment_purpose) = 'evaluation'

)

select
    call_key,
    trace_key,
    started_at,
    model_name,
    evaluated_feature_id as feature_id
from evaluations

union

select
    call_key,
    trace_key,
    started_at,
    model_name,
    serving_feature_id as feature_id
from evaluations
where serving_feature_id is not null
