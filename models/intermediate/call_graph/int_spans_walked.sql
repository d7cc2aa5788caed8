-- one row per billable or linked span: what its path from the root hands down
with recursive spans as (

    select * from {{ ref('int_spans_labelled') }}

),

walk as (

    select
        trace_key,
        span_key,
        span_key as root_span_key,
        is_orphan as is_root_orphan,
        service_name as root_service_name,
        span_name as root_span_name,
        0 as depth,
        feature_id as originating_feature_id,
        feature_id as serving_feature_id,
        0 as origin_depth,
        feature_id is not null as is_labelled_here,
        coalesce(owner_team_id, '') as team_path,
        owner_team_id as last_team_id,
        stated_purpose,
        environment_purpose,
        tenant_id,
        user_id,
        prompt_version,
        route,
        prompt_template,
        is_needed
    from spans
    where parent_span_key is null

    union all

    select
        spans.trace_key,
        spans.span_key,
        walk.root_span_key,
        walk.is_root_orphan,
        walk.root_service_name,
        walk.root_span_name,
        walk.depth + 1 as depth,
        coalesce(walk.originating_feature_id, spans.feature_id) as originating_feature_id,
        coalesce(spans.feature_id, walk.serving_feature_id) as serving_feature_id,
        case
            when walk.originating_feature_id is null and spans.feature_id is not null then walk.depth + 1
            else walk.origin_depth
        end as origin_depth,
        spans.feature_id is not null as is_labelled_here,
        case
            -- The path begins at the originating feature; what stands above it asked for nothing by name.
            when
                walk.originating_feature_id is null and spans.feature_id is not null
                then coalesce(spans.owner_team_id, '')
            when spans.owner_team_id is null or spans.owner_team_id = walk.last_team_id then walk.team_path
            when walk.team_path = '' then spans.owner_team_id
            else walk.team_path || ' > ' || spans.owner_team_id
        end as team_path,
        case
            when walk.originating_feature_id is null and spans.feature_id is not null then spans.owner_team_id
            else coalesce(spans.owner_team_id, walk.last_team_id)
        end as last_team_id,
        coalesce(spans.stated_purpose, walk.stated_purpose) as stated_purpose,
        coalesce(spans.environment_purpose, walk.environment_purpose) as environment_purpose,
        coalesce(spans.tenant_id, walk.tenant_id) as tenant_id,
        coalesce(spans.user_id, walk.user_id) as user_id,
        coalesce(spans.prompt_version, walk.prompt_version) as prompt_version,
        coalesce(spans.route, walk.route) as route,
        coalesce(spans.prompt_template, walk.prompt_template) as prompt_template,
        spans.is_needed
    from walk
    inner join spans
        on walk.trace_key = spans.trace_key and walk.span_key = spans.parent_span_key

)

select
    trace_key,
    span_key,
    root_span_key,
    is_root_orphan,
    root_service_name,
    root_span_name,
    depth,
    originating_feature_id,
    serving_feature_id,
    depth - origin_depth as hops,
    case
        when is_labelled_here then 'span_tag'
        when originating_feature_id is not null then 'ancestor_tag'
        else 'none'
    end as attribution_rule,
    team_path,
    last_team_id as owner_team_id,
    stated_purpose,
    environment_purpose,
    tenant_id,
    user_id,
    prompt_version,
    route,
    prompt_template
from walk
where is_needed
