{{ replaces_touched("caused_trace_key", by="trace") }}
{% set direct_causes %}
    select
        causes.caused_trace_key,
        causes.caused_root_key,
        spans.trace_key,
        spans.root_span_key,
        1 as level,
        1 + spans.depth as distance,
        spans.originating_feature_id,
        spans.ruled_feature_id,
        spans.ruled_feature_id as ruled_serving_id,
        spans.serving_feature_id,
        1 + spans.hops as hops,
        case when spans.originating_feature_id is null then spans.whole_path else spans.team_path end as team_path,
        spans.whole_path,
        spans.tenant_id,
        spans.user_id,
        spans.stated_purpose,
        {{ whole_number(
            'sum(' ~ whole_quotient(whole_weight() ~ ' * ' ~ whole_number(finer()), 'causes.sibling_causes') ~ ')'
        ) }} as weight
    from causes
    inner join causing_spans as spans on causes.trace_key = spans.trace_key and causes.span_key = spans.span_key
    group by all
{% endset %}
with recursive causes as (

    select
        *,
        count(*) over (partition by caused_trace_key, caused_root_key) as sibling_causes
    from {{ ref('int_trace_causes') }}

),

-- The recursion holds these spans in memory, which is fine because few spans cause another trace.
causing_spans as (

    select
        spans.trace_key,
        spans.span_key,
        spans.root_span_key,
        spans.depth,
        spans.originating_feature_id,
        labels.feature_id as ruled_feature_id,
        spans.serving_feature_id,
        spans.hops,
        spans.team_path,
        coalesce(spans.root_path, spans.team_path) as whole_path,
        spans.tenant_id,
        spans.user_id,
        coalesce(spans.stated_purpose, nullif(labels.purpose, 'production')) as stated_purpose
    from {{ ref('int_span_attribution') }} as spans
    left join {{ ref('int_cause_labels') }} as labels
        on spans.trace_key = labels.trace_key and spans.span_key = labels.span_key
    where
        {{ is_touched('spans.trace_key', 'trace') }}
        and (spans.trace_key, spans.span_key) in (
            select
                causes.trace_key,
                causes.span_key
            from causes
        )

),

lineage as (

    {% call(lineage, join) followed('lineage', direct_causes, var('max_link_levels') - 1) %}
        -- The outermost label originates and the nearest one serves. Chains that meet continue as one.
        select
            lineage.caused_trace_key,
            lineage.caused_root_key,
            coalesce(spans.trace_key, lineage.trace_key) as trace_key,
            coalesce(spans.root_span_key, lineage.root_span_key) as root_span_key,
            lineage.level + case when causes.sibling_causes is null then 0 else 1 end as level,
            lineage.distance + coalesce(1 + spans.depth, 0) as distance,
            coalesce(spans.originating_feature_id, lineage.originating_feature_id) as originating_feature_id,
            coalesce(spans.ruled_feature_id, lineage.ruled_feature_id) as ruled_feature_id,
            coalesce(lineage.ruled_serving_id, spans.ruled_feature_id) as ruled_serving_id,
            coalesce(lineage.serving_feature_id, spans.serving_feature_id) as serving_feature_id,
            case
                when
                    spans.originating_feature_id is not null
                    or (lineage.originating_feature_id is null and spans.ruled_feature_id is not null)
                    then lineage.distance + 1 + spans.hops
                else lineage.hops
            end as hops,
            case
                when spans.originating_feature_id is not null
                    then {{ joined_paths('spans.team_path', 'lineage.whole_path') }}
                when
                    lineage.originating_feature_id is not null
                    or (spans.ruled_feature_id is null and lineage.ruled_feature_id is not null)
                    then lineage.team_path
                else {{ joined_paths('spans.whole_path', 'lineage.whole_path') }}
            end as team_path,
            {{ joined_paths('spans.whole_path', 'lineage.whole_path') }} as whole_path,
            coalesce(lineage.tenant_id, spans.tenant_id) as tenant_id,
            coalesce(lineage.user_id, spans.user_id) as user_id,
            coalesce(lineage.stated_purpose, spans.stated_purpose) as stated_purpose,
            {{ whole_number('sum(' ~ whole_quotient('lineage.weight', 'coalesce(causes.sibling_causes, 1)') ~ ')') }}
                as weight
        from {{ lineage }} {{ join }} join causes
            on lineage.trace_key = causes.caused_trace_key and lineage.root_span_key = causes.caused_root_key
        {{ join }} join causing_spans as spans
            on causes.trace_key = spans.trace_key and causes.span_key = spans.span_key
        where lineage.level < {{ var('max_link_levels') }}
        group by all
    {% endcall %}

),

caused_roots as (

    select distinct
        caused_trace_key,
        caused_root_key
    from causes

)

select
    lineage.caused_trace_key,
    lineage.caused_root_key,
    lineage.originating_feature_id,
    -- Labels go before rules, and the outermost of either counts.
    case when lineage.originating_feature_id is null then lineage.ruled_feature_id end as ruled_feature_id,
    case when lineage.originating_feature_id is null then lineage.ruled_serving_id end as ruled_serving_id,
    lineage.serving_feature_id,
    lineage.hops,
    lineage.team_path,
    lineage.tenant_id,
    lineage.user_id,
    lineage.stated_purpose,
    sum(lineage.weight) as weight,
    count(*) over (partition by lineage.caused_trace_key, lineage.caused_root_key) > 1 as is_split
from lineage
left join caused_roots as caused_causes
    on lineage.trace_key = caused_causes.caused_trace_key and lineage.root_span_key = caused_causes.caused_root_key
-- Chains end at a trace that nothing caused, or are cut at the level limit.
where caused_causes.caused_root_key is null or lineage.level = {{ var('max_link_levels') }}
group by
    lineage.caused_trace_key, lineage.caused_root_key, lineage.originating_feature_id,
    case when lineage.originating_feature_id is null then lineage.ruled_feature_id end,
    case when lineage.originating_feature_id is null then lineage.ruled_serving_id end, lineage.serving_feature_id,
    lineage.hops, lineage.team_path, lineage.tenant_id, lineage.user_id, lineage.stated_purpose
