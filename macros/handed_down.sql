{#
  One step of the walk, from `walk` to `spans` beneath it: the columns of a span with what its path hands down. Of the
  columns `nearest_counts`, what stands nearest to the span counts.
#}
{% macro handed_down(nearest_counts) -%}
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
    walk.inner_unknown_key as outer_unknown_key,
    case when spans.is_billable and not spans.is_claim then spans.span_key else walk.inner_call_key end as inner_call_key,
    case when spans.is_claim then spans.span_key else walk.inner_claim_key end as inner_claim_key,
    -- Both: a call, or the claim of what is beneath it.
    case when spans.is_billable and spans.is_claim then spans.span_key else walk.inner_unknown_key end
        as inner_unknown_key,
    spans.is_claim,
    spans.is_needed
{%- endmacro %}
