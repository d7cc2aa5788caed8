{{ replaces_touched("trace_key", by="trace", days="started_on") }}
{{ config(post_hook="{{ walk_further_slices() }}") }}
{% set slice = first_slice() %}
{# The value nearest to the span counts for these columns. #}
{% set nearest_values = [
    'stated_purpose', 'environment_purpose', 'tenant_id', 'user_id', 'prompt_version', 'route', 'prompt_template'
] %}
{% set linked_spans %}
linked_roots as (

    select distinct
        caused_trace_key as trace_key,
        caused_root_key as span_key
    from {{ ref('int_span_links') }}

),

causing_spans as (

    select distinct
        trace_key,
        span_key
    from {{ ref('int_span_links') }}

),
{% endset %}
{% set spans %}
spans as (

    {% call set_aside('spans', linked_spans) %}
        select
            spans.*,
            linked_roots.span_key is not null as is_linked_root,
            spans.is_billable or spans.has_usage or spans.tool_meter is not null or causing_spans.span_key is not null
                as is_needed
        from {{ ref('int_spans') }} as spans
        left join linked_roots
            on spans.trace_key = linked_roots.trace_key and spans.span_key = linked_roots.span_key
        left join causing_spans
            on spans.trace_key = causing_spans.trace_key and spans.span_key = causing_spans.span_key
        where {{ slice.days }} and slice_no = {{ slice.number }}
    {% endcall %}

),

-- Most spans have no children: the last step is a join, and only for those that are needed.
inner_spans as (

    select * from spans
    where is_inner

),
{% endset %}
{# A span's own values, before its path adds any. #}
{% set own_columns %}
            span_key as root_span_key,
            trace_key,
            span_key,
            started_on,
            is_orphan as is_root_orphan,
            service_name as root_service_name,
            span_name as root_span_name,
            feature_id as originating_feature_id,
            feature_id as serving_feature_id,
            coalesce(owner_team_id, '') as team_path,
            owner_team_id,
            -- A trace that others caused begins its chain of teams at its root, above any label of its own.
            case when is_linked_root then coalesce(owner_team_id, '') end as root_path,
            {{ nearest_values | join(',\n            ') }},
            adjusted_count as nearest_count,
            adjusted_count,
            parent_span_key,
            cast(null as bigint) as outer_call_key,
            cast(null as bigint) as outer_claim_key,
            cast(null as bigint) as outer_unknown_key,
            case when is_billable and not is_claim then span_key end as inner_call_key,
            case when is_claim then span_key end as inner_claim_key,
            case when is_billable and is_claim then span_key end as inner_unknown_key,
            is_claim,
            is_needed
{% endset %}
{# Samplers often state a count on the root alone: the nearest that is stated counts. #}
{% set nearest_count = 'coalesce(spans.adjusted_count, walk.nearest_count)' %}
{# The same with what the span above, `walk`, hands down. #}
{% set inherited_columns %}
            walk.depth + 1 as depth,
            case
                when walk.originating_feature_id is null and spans.feature_id is not null then walk.depth + 1
                else walk.origin_depth
            end as origin_depth,
            walk.root_span_key,
            spans.trace_key,
            spans.span_key,
            spans.started_on,
            walk.is_root_orphan,
            walk.root_service_name,
            walk.root_span_name,
            coalesce(walk.originating_feature_id, spans.feature_id) as originating_feature_id,
            coalesce(spans.feature_id, walk.serving_feature_id) as serving_feature_id,
            case
                -- The path begins at the originating feature; spans above it asked for nothing by name.
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
            {% for column in nearest_values %}
                coalesce(spans.{{ column }}, walk.{{ column }}) as {{ column }},
            {% endfor %}
            {{ nearest_count }} as nearest_count,
            -- Services may sample one trace at different rates; a feature's calls are as rare as the rarest of them.
            case
                when walk.originating_feature_id is null and spans.feature_id is not null then {{ nearest_count }}
                else greatest({{ nearest_count }}, walk.adjusted_count)
            end as adjusted_count,
            spans.parent_span_key,
            walk.inner_call_key as outer_call_key,
            walk.inner_claim_key as outer_claim_key,
            walk.inner_unknown_key as outer_unknown_key,
            case
                when spans.is_billable and not spans.is_claim then spans.span_key
                else walk.inner_call_key
            end as inner_call_key,
            case when spans.is_claim then spans.span_key else walk.inner_claim_key end as inner_claim_key,
            -- Such a span is a call, or claims the usage beneath it.
            case
                when spans.is_billable and spans.is_claim then spans.span_key
                else walk.inner_unknown_key
            end as inner_unknown_key,
            spans.is_claim,
            spans.is_needed
{% endset %}
{% set roots %}
    select
        0 as depth,
        0 as origin_depth,
        {{ own_columns | trim }}
    from spans
    where parent_span_key is null
{% endset %}
with recursive {{ linked_spans }}

{{ spans }}

-- Tags of the whole trace count if no span of the path has a label.
trace_tags as (

    select
        trace_key,
        min(trace_feature_id) as feature_id
    from spans
    where trace_feature_id is not null
    group by trace_key

),

walk as (

    {% call(walk) reached_from('walk', roots, spans, level='depth') %}
        select
            {{ inherited_columns | trim }}
        from {{ walk }}
        inner join inner_spans as spans
            on walk.trace_key = spans.trace_key and walk.span_key = spans.parent_span_key
    {% endcall %}

),

attributed_spans as (

    select
        *,
        false as is_too_deep
    from walk
    where is_needed

    union all

    select
        {{ inherited_columns | trim }},
        false as is_too_deep
    from walk
    inner join spans
        on walk.trace_key = spans.trace_key and walk.span_key = spans.parent_span_key
    where spans.is_needed and not spans.is_inner

    {% if walk_limit() %}
        union all

        select
            {{ walk_limit() + 1 }} as depth,
            {{ walk_limit() + 1 }} as origin_depth,
            {{ own_columns | trim }},
            true as is_too_deep
        from spans
        where is_needed
    {% endif %}

),

placed_spans as (

    select * from attributed_spans
    {% if walk_limit() %}
        -- Nobody knows who asked for a span deeper than the walk goes: it is a root of its own.
        qualify not is_too_deep or count(*) over (partition by trace_key, span_key) = 1
    {% endif %}

)

select
    spans.trace_key,
    spans.span_key,
    spans.started_on,
    spans.root_span_key,
    spans.is_root_orphan,
    spans.root_service_name,
    spans.root_span_name,
    spans.depth,
    spans.team_path,
    spans.owner_team_id,
    spans.root_path,
    spans.{{ nearest_values | join(',\n    spans.') }},
    spans.adjusted_count,
    spans.parent_span_key,
    spans.outer_call_key,
    spans.outer_claim_key,
    spans.outer_unknown_key,
    spans.is_claim,
    coalesce(spans.originating_feature_id, trace_tags.feature_id) as originating_feature_id,
    coalesce(spans.serving_feature_id, trace_tags.feature_id) as serving_feature_id,
    spans.depth - spans.origin_depth as hops,
    case
        when spans.is_too_deep then 'too_deep'
        when spans.originating_feature_id is not null
            then case when spans.depth = spans.origin_depth then 'span_tag' else 'ancestor_tag' end
        when trace_tags.feature_id is not null then 'trace_tag'
        else 'none'
    end as attribution_rule
from placed_spans as spans
left join trace_tags on spans.trace_key = trace_tags.trace_key
