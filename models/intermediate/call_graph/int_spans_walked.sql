-- one row per billable or linked span: what its path from the root hands down
with recursive spans as (

    select * from {{ ref('int_spans_labelled') }}

),

-- What a platform hangs on a trace as a whole counts where no span of the path has a label.
trace_tags as (

    select
        trace_key,
        min(trace_feature_id) as feature_id
    from spans
    where trace_feature_id is not null
    group by trace_key

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
    walk.trace_key,
    walk.span_key,
    walk.root_span_key,
    walk.is_root_orphan,
    walk.root_service_name,
    walk.root_span_name,
    walk.depth,
    coalesce(walk.originating_feature_id, trace_tags.feature_id) as originating_feature_id,
    coalesce(walk.serving_feature_id, trace_tags.feature_id) as serving_feature_id,
    walk.depth - walk.origin_depth as hops,
    case
        when walk.is_labelled_here then 'span_tag'
        when walk.originating_feature_id is not null then 'ancestor_tag'
        when trace_tags.feature_id is not null then 'trace_tag'
        else 'none'
    end as attribution_rule,
    walk.team_path,
    walk.last_team_id as owner_team_id,
    walk.stated_purpose,
    walk.environment_purpose,
    walk.tenant_id,
    walk.user_id,
    walk.prompt_version,
    walk.route,
    walk.prompt_template
from walk
left join trace_tags
    on walk.trace_key = trace_tags.trace_key
where walk.is_needed
