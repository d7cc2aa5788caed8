-- one row per billable or linked span: what its path from the root hands down
{{ replaces_touched("trace_key", by="trace") }}
{{ config(post_hook="{{ walk_further_slices() }}") }}
{% set nearest_counts = [
    'stated_purpose', 'environment_purpose', 'tenant_id', 'user_id', 'prompt_version', 'route', 'prompt_template'
] %}
with recursive spans as (

    select * from {{ ref('int_spans_labelled') }}
    where {{ is_in_slice('trace_key') }} and {{ is_in_slice('placed_trace_key') }}

),

inner_spans as (

    select * from spans
    where is_inner

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
        {{ handed_down(nearest_counts) }}
    from walk
    inner join inner_spans as spans
        on walk.trace_key = spans.trace_key and walk.span_key = spans.parent_span_key

),

-- Most spans have none beneath them: the last step is a join, and only for those that are needed.
leaves as (

    select
        {{ handed_down(nearest_counts) }}
    from walk
    inner join spans
        on walk.trace_key = spans.trace_key and walk.span_key = spans.parent_span_key
    where spans.is_needed and not spans.is_inner

),

walked as (

    select * from walk
    where is_needed

    union all

    select * from leaves

)

select
    {{ all_but('walked', [
        'inner_call_key', 'inner_claim_key', 'origin_depth', 'is_needed', 'originating_feature_id', 'serving_feature_id'
    ]) }},
    coalesce(walked.originating_feature_id, trace_tags.feature_id) as originating_feature_id,
    coalesce(walked.serving_feature_id, trace_tags.feature_id) as serving_feature_id,
    walked.depth - walked.origin_depth as hops,
    case
        when walked.originating_feature_id is not null
            then case when walked.depth = walked.origin_depth then 'span_tag' else 'ancestor_tag' end
        when trace_tags.feature_id is not null then 'trace_tag'
        else 'none'
    end as attribution_rule
from walked
left join trace_tags on walked.trace_key = trace_tags.trace_key
