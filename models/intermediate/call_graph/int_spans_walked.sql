-- one row per billable or linked span: what its path from the root hands down
{{ replaces_touched("trace_key", by="trace") }}
{% set nearest_counts = [
    'stated_purpose', 'environment_purpose', 'tenant_id', 'user_id', 'prompt_version', 'route', 'prompt_template'
] %}
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
        started_on,
        span_key as root_span_key,
        is_orphan as is_root_orphan,
        service_name as root_service_name,
        span_name as root_span_name,
        0 as depth,
        feature_id as originating_feature_id,
        feature_id as serving_feature_id,
        0 as origin_depth,
        coalesce(owner_team_id, '') as team_path,
        owner_team_id,
        -- What other traces caused begins its chain of teams there, above any label of its own.
        case when is_linked_root then coalesce(owner_team_id, '') end as root_path,
        {{ nearest_counts | join(',\n        ') }},
        parent_span_key,
        cast(null as bigint) as outer_call_key,
        cast(null as bigint) as outer_claim_key,
        case when is_billable then span_key end as inner_call_key,
        case when is_claim then span_key end as inner_claim_key,
        is_claim,
        is_needed
    from spans
    where parent_span_key is null

    union all

    select
        spans.trace_key,
        spans.span_key,
        spans.started_on,
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
        case
            -- The path begins at the originating feature; what stands above it asked for nothing by name.
            when
                walk.originating_feature_id is null and spans.feature_id is not null
                then coalesce(spans.owner_team_id, '')
            when spans.owner_team_id is null or spans.owner_team_id = walk.owner_team_id then walk.team_path
            when walk.team_path = '' then spans.owner_team_id
            else walk.team_path || ' > ' || spans.owner_team_id
        end as team_path,
        case
            when walk.originating_feature_id is null and spans.feature_id is not null then spans.owner_team_id
            else coalesce(spans.owner_team_id, walk.owner_team_id)
        end as owner_team_id,
        case
            when walk.root_path is not null then {{ joined_paths('walk.root_path', 'spans.owner_team_id') }}
        end as root_path,
        {% for column in nearest_counts %}
            coalesce(spans.{{ column }}, walk.{{ column }}) as {{ column }},
        {% endfor %}
        spans.parent_span_key,
        walk.inner_call_key as outer_call_key,
        walk.inner_claim_key as outer_claim_key,
        case when spans.is_billable then spans.span_key else walk.inner_call_key end as inner_call_key,
        case when spans.is_claim then spans.span_key else walk.inner_claim_key end as inner_claim_key,
        spans.is_claim,
        spans.is_needed
    from walk
    inner join spans
        on walk.trace_key = spans.trace_key and walk.span_key = spans.parent_span_key

)

select
    {{ all_but('walk', [
        'inner_call_key', 'inner_claim_key', 'origin_depth', 'is_needed', 'originating_feature_id', 'serving_feature_id'
    ]) }},
    coalesce(walk.originating_feature_id, trace_tags.feature_id) as originating_feature_id,
    coalesce(walk.serving_feature_id, trace_tags.feature_id) as serving_feature_id,
    walk.depth - walk.origin_depth as hops,
    case
        when walk.originating_feature_id is not null
            then case when walk.depth = walk.origin_depth then 'span_tag' else 'ancestor_tag' end
        when trace_tags.feature_id is not null then 'trace_tag'
        else 'none'
    end as attribution_rule
from walk
left join trace_tags on walk.trace_key = trace_tags.trace_key
where walk.is_needed
