-- one row per billable or linked span: what its path from the root hands down
{{ replaces_touched("trace_key", by="trace", days="started_on") }}
{{ config(post_hook="{{ walk_further_slices() }}") }}
{% set slice = first_slice() %}
{% set nearest_counts = [
    'stated_purpose', 'environment_purpose', 'tenant_id', 'user_id', 'prompt_version', 'route', 'prompt_template'
] %}
{% set given %}
    spans as (

        select * from {{ ref('int_spans_labelled') }}
        where {{ slice.days }} and slice_no = {{ slice.number }}

    ),

    -- Most spans have none beneath them: the last step is a join, and only for those that are needed.
    inner_spans as (

        select * from spans
        where is_inner

    ),
{% endset %}
{% set first %}
    select
        {{ begins_walk(nearest_counts, 0) }}
    from spans
    where parent_span_key is null
{% endset %}
with recursive {{ given }}

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

    {% call(walk) reached_from('walk', first, given, level='depth') %}
        select
            {{ handed_down(nearest_counts) }}
        from {{ walk }}
        inner join inner_spans as spans
            on walk.trace_key = spans.trace_key and walk.span_key = spans.parent_span_key
    {% endcall %}

),

walked as (

    select
        *,
        false as is_too_deep
    from walk
    where is_needed

    union all

    select
        {{ handed_down(nearest_counts) }},
        false as is_too_deep
    from walk
    inner join spans
        on walk.trace_key = spans.trace_key and walk.span_key = spans.parent_span_key
    where spans.is_needed and not spans.is_inner

    {% if walk_limit() %}
        union all

        select
            {{ begins_walk(nearest_counts, walk_limit() + 1) }},
            true as is_too_deep
        from spans
        where is_needed
    {% endif %}

),

placed as (

    select * from walked
    {% if walk_limit() %}
        -- Of a span that stands deeper than the walk goes nobody knows who asked for it: it is a root of its own.
        qualify not is_too_deep or count(*) over (partition by trace_key, span_key) = 1
    {% endif %}

)

select
    {{ all_but('placed', [
        'inner_call_key', 'inner_claim_key', 'inner_unknown_key', 'origin_depth', 'is_needed', 'is_too_deep',
        'originating_feature_id', 'serving_feature_id'
    ]) }},
    coalesce(placed.originating_feature_id, trace_tags.feature_id) as originating_feature_id,
    coalesce(placed.serving_feature_id, trace_tags.feature_id) as serving_feature_id,
    placed.depth - placed.origin_depth as hops,
    case
        when placed.is_too_deep then 'too_deep'
        when placed.originating_feature_id is not null
            then case when placed.depth = placed.origin_depth then 'span_tag' else 'ancestor_tag' end
        when trace_tags.feature_id is not null then 'trace_tag'
        else 'none'
    end as attribution_rule
from placed
left join trace_tags on placed.trace_key = trace_tags.trace_key
