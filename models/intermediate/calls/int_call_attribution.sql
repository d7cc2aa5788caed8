{{ config(materialized="view") }}
{% set context = ['service_name', 'span_name', 'root_service_name', 'root_span_name', 'route', 'prompt_template'] %}
with calls as (

    select * from {{ ref('int_calls') }}
    where {{ is_touched('started_on', 'touched_day', is_utc=true) }}

),

spans as (

    select * from {{ ref('int_span_attribution') }}
    where {{ is_touched('started_on', 'touched_day', is_utc=true) }}

),

causes as (

    select * from {{ ref('int_trace_origins') }}

),

labelled_calls as (

    select
        calls.call_key,
        calls.started_on,
        -- Only a trace that several spans caused has several originators.
        coalesce(causes.is_split, false) as is_split,
        calls.service_name,
        calls.span_name,
        spans.root_service_name,
        spans.root_span_name,
        spans.route,
        spans.prompt_template,
        spans.prompt_version,
        spans.is_root_orphan,
        spans.owner_team_id,
        spans.environment_purpose,
        coalesce(spans.stated_purpose, causes.stated_purpose) as stated_purpose,
        coalesce(causes.originating_feature_id, spans.originating_feature_id) as originating_feature_id,
        case when spans.originating_feature_id is null then causes.ruled_feature_id end as caused_feature_id,
        case when spans.originating_feature_id is null then causes.ruled_serving_id end as caused_serving_id,
        coalesce(spans.serving_feature_id, causes.serving_feature_id) as serving_feature_id,
        case when causes.originating_feature_id is not null then 'link' else spans.attribution_rule end
            as attribution_rule,
        case
            when
                causes.originating_feature_id is not null
                or (spans.originating_feature_id is null and causes.ruled_feature_id is not null)
                then spans.depth + causes.hops
            else spans.hops
        end as hops,
        case
            when causes.caused_root_key is null then spans.team_path
            when causes.originating_feature_id is null and spans.originating_feature_id is not null
                then spans.team_path
            else {{ joined_paths('causes.team_path', 'spans.root_path') }}
        end as team_path,
        coalesce(spans.tenant_id, causes.tenant_id) as tenant_id,
        coalesce(spans.user_id, causes.user_id) as user_id,
        coalesce(causes.weight, 1) as weight
    from calls
    inner join spans
        on
            calls.trace_key = spans.trace_key
            and calls.span_key = spans.span_key
            -- Both sides are read for the same days only.
            and calls.started_on = spans.started_on
    left join causes
        on spans.trace_key = causes.caused_trace_key and spans.root_span_key = causes.caused_root_key

)

select
    calls.call_key,
    calls.started_on,
    calls.is_split,
    calls.service_name,
    calls.route,
    calls.prompt_version,
    calls.is_root_orphan,
    calls.owner_team_id,
    calls.environment_purpose,
    coalesce(calls.stated_purpose, nullif(rules.purpose, 'production')) as stated_purpose,
    rules.purpose as ruled_purpose,
    -- Labels go before rules, and the rule of the request that caused the trace before that of the call.
    coalesce(calls.originating_feature_id, calls.caused_feature_id, rules.feature_id) as originating_feature_id,
    coalesce(
        calls.serving_feature_id,
        case when calls.originating_feature_id is null then coalesce(rules.feature_id, calls.caused_serving_id) end
    ) as serving_feature_id,
    case
        when
            calls.originating_feature_id is null
            and coalesce(calls.caused_feature_id, rules.feature_id) is not null
            then 'catalog_rule'
        else calls.attribution_rule
    end as attribution_rule,
    calls.hops,
    calls.team_path,
    calls.tenant_id,
    calls.user_id,
    calls.weight
from labelled_calls as calls
left join {{ ref('int_label_rules') }} as rules on {{ are_same('calls', 'rules', context) }}

union all

-- A call without spans has no path: its eval run says which feature it evaluated.
select
    call_key,
    started_on,
    false as is_split,
    null as service_name,
    null as route,
    prompt_version,
    false as is_root_orphan,
    null as owner_team_id,
    null as environment_purpose,
    'evaluation' as stated_purpose,
    null as ruled_purpose,
    feature_id as originating_feature_id,
    feature_id as serving_feature_id,
    case when feature_id is null then 'none' else 'trace_tag' end as attribution_rule,
    0 as hops,
    '' as team_path,
    null as tenant_id,
    null as user_id,
    1 as weight
from {{ ref('int_eval_calls') }}
where {{ is_touched('started_on', 'touched_day', is_utc=true) }}
