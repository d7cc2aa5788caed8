{# The columns of a span that the walk begins with: what is known of it alone. #}
{% macro begins_walk(nearest_counts, depth) -%}
    trace_key,
    span_key,
    started_on,
    span_key as root_span_key,
    is_orphan as is_root_orphan,
    service_name as root_service_name,
    span_name as root_span_name,
    {{ depth }} as depth,
    feature_id as originating_feature_id,
    feature_id as serving_feature_id,
    {{ depth }} as origin_depth,
    coalesce(owner_team_id, '') as team_path,
    owner_team_id,
    -- What other traces caused begins its chain of teams there, above any label of its own.
    case when is_linked_root then coalesce(owner_team_id, '') end as root_path,
    {{ nearest_counts | join(',\n    ') }},
    parent_span_key,
    cast(null as bigint) as outer_call_key,
    cast(null as bigint) as outer_claim_key,
    cast(null as bigint) as outer_unknown_key,
    case when is_billable and not is_claim then span_key end as inner_call_key,
    case when is_claim then span_key end as inner_claim_key,
    case when is_billable and is_claim then span_key end as inner_unknown_key,
    is_claim,
    is_needed
{%- endmacro %}
