-- one row per linked root and what the ends of its chains of causes hand down, with the weight of these chains
{{ replaces_touched("caused_trace_key", by="trace") }}
{% set nearest %}
    select
        edges.caused_trace_key,
        edges.caused_root_key,
        walked.trace_key,
        walked.root_span_key,
        1 as level,
        1 + walked.depth as distance,
        walked.originating_feature_id,
        walked.ruled_feature_id,
        walked.ruled_feature_id as ruled_serving_id,
        walked.serving_feature_id,
        1 + walked.hops as hops,
        case when walked.originating_feature_id is null then walked.whole_path else walked.team_path end as team_path,
        walked.whole_path,
        walked.tenant_id,
        walked.user_id,
        walked.stated_purpose,
        {{ whole_number(
            'sum(' ~ whole_quotient(whole_weight() ~ ' * ' ~ whole_number(finer()), 'edges.causes') ~ ')'
        ) }}
            as weight
    from edges
    inner join walked on edges.trace_key = walked.trace_key and edges.span_key = walked.span_key
    group by all
{% endset %}
with recursive edges as (

    select
        *,
        count(*) over (partition by caused_trace_key, caused_root_key) as causes
    from {{ ref('int_trace_causes_resolved') }}

),

-- Few spans cause another trace; the recursion holds them in memory.
walked as (

    select
        walked.trace_key,
        walked.span_key,
        walked.root_span_key,
        walked.depth,
        walked.originating_feature_id,
        -- A catalog rule gives the feature of a request without a label.
        ruled.feature_id as ruled_feature_id,
        walked.serving_feature_id,
        walked.hops,
        walked.team_path,
        coalesce(walked.root_path, walked.team_path) as whole_path,
        walked.tenant_id,
        walked.user_id,
        coalesce(walked.stated_purpose, nullif(ruled.purpose, 'production')) as stated_purpose
    from {{ ref('int_spans_walked') }} as walked
    left join {{ ref('int_causes_ruled') }} as ruled
        on walked.trace_key = ruled.trace_key and walked.span_key = ruled.span_key
    where
        {{ is_touched('walked.trace_key', 'trace') }}
        and (walked.trace_key, walked.span_key) in (
            select
                edges.trace_key,
                edges.span_key
            from edges
        )

),

lineage as (

    {% call(lineage, join) followed('lineage', nearest, var('max_link_levels') - 1) %}
        -- Of labels the outermost asked first and the nearest did the work; chains that meet go on as one.
        select
            lineage.caused_trace_key,
            lineage.caused_root_key,
            coalesce(walked.trace_key, lineage.trace_key) as trace_key,
            coalesce(walked.root_span_key, lineage.root_span_key) as root_span_key,
            lineage.level + case when edges.causes is null then 0 else 1 end as level,
            lineage.distance + coalesce(1 + walked.depth, 0) as distance,
            coalesce(walked.originating_feature_id, lineage.originating_feature_id) as originating_feature_id,
            coalesce(walked.ruled_feature_id, lineage.ruled_feature_id) as ruled_feature_id,
            coalesce(lineage.ruled_serving_id, walked.ruled_feature_id) as ruled_serving_id,
            coalesce(lineage.serving_feature_id, walked.serving_feature_id) as serving_feature_id,
            case
                when
                    walked.originating_feature_id is not null
                    or (lineage.originating_feature_id is null and walked.ruled_feature_id is not null)
                    then lineage.distance + 1 + walked.hops
                else lineage.hops
            end as hops,
            case
                when walked.originating_feature_id is not null
                    then {{ joined_paths('walked.team_path', 'lineage.whole_path') }}
                when
                    lineage.originating_feature_id is not null
                    or (walked.ruled_feature_id is null and lineage.ruled_feature_id is not null)
                    then lineage.team_path
                else {{ joined_paths('walked.whole_path', 'lineage.whole_path') }}
            end as team_path,
            {{ joined_paths('walked.whole_path', 'lineage.whole_path') }} as whole_path,
            coalesce(lineage.tenant_id, walked.tenant_id) as tenant_id,
            coalesce(lineage.user_id, walked.user_id) as user_id,
            coalesce(lineage.stated_purpose, walked.stated_purpose) as stated_purpose,
            {{ whole_number('sum(' ~ whole_quotient('lineage.weight', 'coalesce(edges.causes, 1)') ~ ')') }} as weight
        from {{ lineage }} {{ join }} join edges
            on lineage.trace_key = edges.caused_trace_key and lineage.root_span_key = edges.caused_root_key
        {{ join }} join walked on edges.trace_key = walked.trace_key and edges.span_key = walked.span_key
        where lineage.level < {{ var('max_link_levels') }}
        group by all
    {% endcall %}

),

caused_roots as (

    select distinct
        caused_trace_key,
        caused_root_key
    from edges

)

select
    lineage.caused_trace_key,
    lineage.caused_root_key,
    lineage.originating_feature_id,
    -- Labels go before rules, and of either the outermost counts.
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
left join caused_roots as further
    on lineage.trace_key = further.caused_trace_key and lineage.root_span_key = further.caused_root_key
-- Chains end where nothing caused their trace, or are cut where they stand at the level limit.
where further.caused_root_key is null or lineage.level = {{ var('max_link_levels') }}
group by
    lineage.caused_trace_key, lineage.caused_root_key, lineage.originating_feature_id,
    case when lineage.originating_feature_id is null then lineage.ruled_feature_id end,
    case when lineage.originating_feature_id is null then lineage.ruled_serving_id end, lineage.serving_feature_id,
    lineage.hops, lineage.team_path, lineage.tenant_id, lineage.user_id, lineage.stated_purpose
