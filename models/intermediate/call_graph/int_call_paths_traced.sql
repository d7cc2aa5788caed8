-- one row per call and chain of causes: labels, path and tenant as the graph hands them down
{{ config(materialized="view") }}
with calls as (

    select * from {{ ref('int_calls_deduplicated') }}
    where {{ is_touched('started_on', 'touched_day', is_utc=true) }}

),

walked as (

    select * from {{ ref('int_spans_walked') }}
    where {{ is_touched('started_on', 'touched_day', is_utc=true) }}

),

causes as (

    select * from {{ ref('int_trace_causes_walked') }}

),

traced as (

    select
        calls.call_key,
        calls.started_on,
        -- Only what several spans caused has several originators.
        causes.is_split,
        calls.service_name,
        calls.span_name,
        walked.root_service_name,
        walked.root_span_name,
        walked.route,
        walked.prompt_template,
        walked.prompt_version,
        walked.is_root_orphan,
        walked.owner_team_id,
        walked.environment_purpose,
        coalesce(walked.stated_purpose, causes.stated_purpose) as stated_purpose,
        coalesce(causes.originating_feature_id, walked.originating_feature_id) as originating_feature_id,
        case when walked.originating_feature_id is null then causes.ruled_feature_id end as caused_feature_id,
        case when walked.originating_feature_id is null then causes.ruled_serving_id end as caused_serving_id,
        coalesce(walked.serving_feature_id, causes.serving_feature_id) as serving_feature_id,
        case when causes.originating_feature_id is not null then 'link' else walked.attribution_rule end
            as attribution_rule,
        case
            when
                causes.originating_feature_id is not null
                or (walked.originating_feature_id is null and causes.ruled_feature_id is not null)
                then walked.depth + causes.hops
            else walked.hops
        end as hops,
        case
            when causes.caused_root_key is null then walked.team_path
            when causes.originating_feature_id is null and walked.originating_feature_id is not null
                then walked.team_path
            else {{ joined_paths('causes.team_path', 'walked.root_path') }}
        end as team_path,
        coalesce(walked.tenant_id, causes.tenant_id) as tenant_id,
        coalesce(walked.user_id, causes.user_id) as user_id,
        coalesce(causes.weight, 1) as weight
    from calls
    inner join walked
        on
            calls.trace_key = walked.trace_key
            and calls.span_key = walked.span_key
            -- So that of days that nobody asks for nothing is read.
            and calls.started_on = walked.started_on
    left join causes
        on walked.trace_key = causes.caused_trace_key and walked.root_span_key = causes.caused_root_key

)

select * from traced
