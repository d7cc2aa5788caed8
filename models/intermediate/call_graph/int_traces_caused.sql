-- one row per trace that others caused, request that its chains of causes begin with, and label and user of the cause
{{ replaces_touched("trace_key", by="trace") }}
{% set direct %}
    select
        caused_trace_key as trace_key,
        trace_key as request_key,
        feature_id,
        user_id
    from edges
{% endset %}
with recursive edges as (

    select distinct
        causes.caused_trace_key,
        causes.trace_key,
        walked.originating_feature_id as feature_id,
        walked.user_id
    from {{ ref('int_trace_causes_resolved') }} as causes
    inner join {{ ref('int_spans_walked') }} as walked
        on causes.trace_key = walked.trace_key and causes.span_key = walked.span_key
    where causes.caused_trace_key != causes.trace_key and {{ is_touched('walked.trace_key', 'trace') }}

),

-- The rules are those of calls' lineage: the outermost label wins, and for users the nearest.
climbed as (

    {% call(climbed, join) followed('climbed', direct, var('max_link_levels') - 1, 'union') %}
        select{{ ' distinct' if join == 'left' }}
            climbed.trace_key,
            coalesce(edges.trace_key, climbed.request_key) as request_key,
            coalesce(edges.feature_id, climbed.feature_id) as feature_id,
            coalesce(climbed.user_id, edges.user_id) as user_id
        from {{ climbed }} {{ join }} join edges on climbed.request_key = edges.caused_trace_key
    {% endcall %}

),

further as (

    select distinct caused_trace_key
    from edges

)

select
    climbed.trace_key,
    climbed.request_key,
    climbed.feature_id,
    climbed.user_id,
    {{ distinct_over('climbed.request_key', 'climbed.trace_key') }} = 1 as is_only_request
from climbed
left join further on climbed.request_key = further.caused_trace_key
where further.caused_trace_key is null
