-- one row per call that spans report as evaluation, and feature that it may be of (NULL: of any): its model and time
{{ replaces_touched("trace_key", by="trace") }}
with judging_rules as (

    select * from {{ ref('feature_rules') }}
    where lower(purpose) = 'evaluation'

),

walked as (

    select
        calls.call_key,
        calls.trace_key,
        calls.started_at,
        calls.model_name,
        calls.service_name,
        calls.span_name,
        walked.root_service_name,
        walked.root_span_name,
        walked.route,
        walked.prompt_template,
        coalesce(walked.stated_purpose, causes.stated_purpose) as stated_purpose,
        walked.environment_purpose,
        coalesce(causes.originating_feature_id, walked.originating_feature_id, causes.ruled_feature_id)
            as originating_feature_id,
        walked.serving_feature_id,
        coalesce(by_call.tie_key, by_trace.tie_key) as named_key,
        coalesce(by_call.feature_id, by_trace.feature_id) as named_feature_id
    from {{ ref('int_calls_reported') }} as calls
    inner join {{ ref('int_spans_walked') }} as walked
        on calls.trace_key = walked.trace_key and calls.span_key = walked.span_key
    left join {{ ref('int_trace_origins') }} as causes
        on walked.trace_key = causes.caused_trace_key and walked.root_span_key = causes.caused_root_key
    left join {{ ref('int_ids_evaluated') }} as by_trace
        on calls.trace_key = by_trace.tie_key and by_trace.kind = 'trace' and by_trace.is_named
    left join {{ ref('int_ids_evaluated') }} as by_call
        on calls.call_key = by_call.tie_key and by_call.kind = 'call' and by_call.is_named
    where {{ is_touched('calls.trace_key', 'trace') }}

),

ruled as (

    select distinct
        walked.call_key,
        rules.feature_id
    from walked
    inner join judging_rules as rules on {{ rule_fits('walked') }}
    where walked.stated_purpose is null

),

evaluations as (

    select
        walked.*,
        ruled.feature_id as ruled_feature_id
    from walked
    left join ruled on walked.call_key = ruled.call_key
    where
        walked.named_key is not null
        or ruled.call_key is not null
        or coalesce(walked.stated_purpose, walked.environment_purpose) = 'evaluation'

)

{% for feature_id in ['coalesce(named_feature_id, originating_feature_id, ruled_feature_id)', 'serving_feature_id'] %}
    select
        call_key,
        trace_key,
        started_at,
        model_name,
        {{ feature_id }} as feature_id
    from evaluations
    {{ 'where serving_feature_id is not null' if loop.last }}
    {{ 'union' if not loop.last }}
{% endfor %}
