-- one row per call and chain of causes: feature, rule, path and tenant, with the originator's weight
{{ config(materialized="view") }}
{% set context = ['service_name', 'span_name', 'root_service_name', 'root_span_name', 'route', 'prompt_template'] %}
with traced as (

    select * from {{ ref('int_call_paths_traced') }}

)

select
    traced.call_key,
    traced.started_on,
    coalesce(traced.is_split, false) as is_split,
    traced.service_name,
    traced.route,
    traced.prompt_version,
    traced.is_root_orphan,
    traced.owner_team_id,
    traced.environment_purpose,
    coalesce(traced.stated_purpose, nullif(ruled.purpose, 'production')) as stated_purpose,
    ruled.purpose as ruled_purpose,
    -- Rules speak where no label does: first of the request that caused the call's trace, then of the call.
    coalesce(traced.originating_feature_id, traced.caused_feature_id, ruled.feature_id) as originating_feature_id,
    coalesce(
        traced.serving_feature_id,
        case when traced.originating_feature_id is null then coalesce(ruled.feature_id, traced.caused_serving_id) end
    ) as serving_feature_id,
    case
        when
            traced.originating_feature_id is null
            and coalesce(traced.caused_feature_id, ruled.feature_id) is not null
            then 'catalog_rule'
        else traced.attribution_rule
    end as attribution_rule,
    traced.hops,
    traced.team_path,
    traced.tenant_id,
    traced.user_id,
    traced.weight
from traced
left join {{ ref('int_call_contexts_ruled') }} as ruled on {{ are_same('traced', 'ruled', context) }}

union all

-- What no span shows has no path: its run says which feature it evaluated.
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
from {{ ref('int_calls_evaluated') }}
where {{ is_touched('started_on', 'touched_day', is_utc=true) }}
