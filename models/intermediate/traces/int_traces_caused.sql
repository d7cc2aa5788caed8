{{ replaces_touched("trace_key", by="trace") }}
{% set direct_causes %}
    select
        caused_trace_key as trace_key,
        trace_key as request_key,
        feature_id,
        user_id
    from causes
{% endset %}
with recursive causes as (

    select distinct
        causes.caused_trace_key,
        causes.trace_key,
        spans.originating_feature_id as feature_id,
        spans.user_id
    from {{ ref('int_trace_causes') }} as causes
    inner join {{ ref('int_span_attribution') }} as spans
        on causes.trace_key = spans.trace_key and causes.span_key = spans.span_key
    where causes.caused_trace_key != causes.trace_key and {{ is_touched('spans.trace_key', 'trace') }}

),

-- As in int_trace_origins, the outermost label and the nearest user count.
requests as (

    {% call(requests, join) followed('requests', direct_causes, var('max_link_levels') - 1, 'union') %}
        select{{ ' distinct' if join == 'left' }}
            requests.trace_key,
            coalesce(causes.trace_key, requests.request_key) as request_key,
            coalesce(causes.feature_id, requests.feature_id) as feature_id,
            coalesce(requests.user_id, causes.user_id) as user_id
        from {{ requests }} {{ join }} join causes on requests.request_key = causes.caused_trace_key
    {% endcall %}

),

caused_traces as (

    select distinct caused_trace_key
    from causes

)

select
    requests.trace_key,
    requests.request_key,
    requests.feature_id,
    requests.user_id,
    {{ distinct_over('requests.request_key', 'requests.trace_key') }} = 1 as is_only_request
from requests
left join caused_traces on requests.request_key = caused_traces.caused_trace_key
where caused_traces.caused_trace_key is null
