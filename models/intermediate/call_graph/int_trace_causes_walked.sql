-- one row per linked root and cause at the end of its chain of traces: what it hands down, 1 / `causes` of the root
with recursive trace_links as (

    select
        *,
        count(*) over (partition by caused_trace_key, caused_root_key) as causes
    from {{ ref('int_trace_links_unnested') }}

),

walked as (

    select * from {{ ref('int_spans_walked') }}

),

lineage as (

    select
        trace_links.caused_trace_key,
        trace_links.caused_root_key,
        walked.trace_key,
        walked.root_span_key,
        cast(trace_links.causes as double) as causes,
        1 as level,
        1 as distance,
        walked.depth,
        walked.originating_feature_id,
        walked.hops + 1 as hops,
        walked.team_path,
        walked.tenant_id,
        walked.user_id,
        walked.stated_purpose
    from trace_links
    inner join walked
        on trace_links.trace_key = walked.trace_key and trace_links.span_key = walked.span_key
    where (walked.trace_key, walked.root_span_key) != (trace_links.caused_trace_key, trace_links.caused_root_key)

    union all

    select
        lineage.caused_trace_key,
        lineage.caused_root_key,
        walked.trace_key,
        walked.root_span_key,
        lineage.causes * trace_links.causes as causes,
        lineage.level + 1 as level,
        lineage.distance + lineage.depth + 1 as distance,
        walked.depth,
        -- The outermost label wins: the cause's cause asked first.
        coalesce(walked.originating_feature_id, lineage.originating_feature_id) as originating_feature_id,
        case
            when walked.originating_feature_id is null then lineage.hops
            else lineage.distance + lineage.depth + 1 + walked.hops
        end as hops,
        case
            when walked.originating_feature_id is null and lineage.originating_feature_id is not null
                then lineage.team_path
            else {{ joined_paths('walked.team_path', 'lineage.team_path') }}
        end as team_path,
        coalesce(lineage.tenant_id, walked.tenant_id) as tenant_id,
        coalesce(lineage.user_id, walked.user_id) as user_id,
        coalesce(lineage.stated_purpose, walked.stated_purpose) as stated_purpose
    from lineage
    inner join trace_links
        on lineage.trace_key = trace_links.caused_trace_key and lineage.root_span_key = trace_links.caused_root_key
    inner join walked
        on trace_links.trace_key = walked.trace_key and trace_links.span_key = walked.span_key
    where
        lineage.level < {{ var('max_link_levels') }}
        and (walked.trace_key, walked.root_span_key) != (lineage.caused_trace_key, lineage.caused_root_key)

),

caused_roots as (

    select distinct
        caused_trace_key,
        caused_root_key
    from trace_links

)

select
    lineage.caused_trace_key,
    lineage.caused_root_key,
    lineage.causes,
    lineage.originating_feature_id,
    lineage.hops,
    lineage.team_path,
    lineage.tenant_id,
    lineage.user_id,
    lineage.stated_purpose
from lineage
left join caused_roots as further
    on lineage.trace_key = further.caused_trace_key and lineage.root_span_key = further.caused_root_key
-- A ring of traces has no end: at the level limit it is cut where it stands.
where further.caused_root_key is null or lineage.level = {{ var('max_link_levels') }}
