-- one row per unlabelled span that caused another trace: the feature and purpose that catalog rules give its request
{% set context = ['service_name', 'span_name', 'root_service_name', 'root_span_name', 'route', 'prompt_template'] %}
with rules as (

    select * from {{ ref('feature_rules') }}

),

causes as (

    select distinct
        trace_key,
        span_key
    from {{ ref('int_trace_causes_resolved') }}
    where (select count(*) from rules) > 0

),

walked as (

    select
        walked.trace_key,
        walked.span_key,
        walked.root_span_key,
        spans.service_name,
        spans.span_name,
        walked.root_service_name,
        walked.root_span_name,
        walked.stated_purpose,
        walked.route,
        walked.prompt_template
    from {{ ref('int_spans_walked') }} as walked
    inner join {{ ref('int_spans_reopened') }} as spans
        on walked.trace_key = spans.trace_key and walked.span_key = spans.span_key
    where
        {{ is_touched('walked.trace_key', 'trace') }}
        and walked.trace_key in (
            select causes.trace_key
            from causes
        )
        and walked.originating_feature_id is null

),

requests as (

    select distinct
        trace_key,
        root_span_key,
        stated_purpose,
        {{ context | join(',\n        ') }}
    from walked

),

-- The span that is linked is often the request's first, and the calls beneath it say what was asked for. A span with a
-- prompt template of its own says it itself.
candidates as (

    select
        walked.trace_key,
        walked.span_key,
        true as is_own,
        walked.stated_purpose,
        walked.{{ context | join(',\n        walked.') }}
    from causes
    inner join walked
        on causes.trace_key = walked.trace_key and causes.span_key = walked.span_key

    union all

    select
        walked.trace_key,
        walked.span_key,
        false as is_own,
        requests.stated_purpose,
        requests.{{ context | join(',\n        requests.') }}
    from causes
    inner join walked
        on causes.trace_key = walked.trace_key and causes.span_key = walked.span_key
    inner join requests
        on walked.trace_key = requests.trace_key and walked.root_span_key = requests.root_span_key
    where walked.prompt_template is null

),

contexts as (

    select distinct {{ context | join(', ') }}
    from candidates

),

fitting as (

    select
        contexts.*,
        rules.priority,
        rules.feature_id,
        lower(rules.purpose) as purpose
    from contexts
    inner join rules on {{ rule_fits('contexts') }}

),

said as (

    select
        candidates.trace_key,
        candidates.span_key,
        candidates.is_own,
        -- A judge within a request is not what caused its batch.
        candidates.is_own or coalesce(fitting.purpose, candidates.stated_purpose, '') != 'evaluation' as is_request,
        fitting.priority,
        fitting.feature_id,
        fitting.purpose
    from candidates
    inner join fitting on {{ are_same('candidates', 'fitting', context) }}

),

labels as (

    {% call first_rows(
        partition_by="trace_key, span_key",
        order_by=["case when is_request then 0 else 1 end", "priority", "feature_id", "purpose"]
    ) %}
        select * from said
        where feature_id is not null
    {% endcall %}

),

purposes as (

    {% call first_rows(partition_by="trace_key, span_key", order_by=["priority", "purpose"]) %}
        select * from said
        where is_own and purpose is not null
    {% endcall %}

)

select
    labels.trace_key,
    labels.span_key,
    labels.feature_id,
    coalesce(labels.purpose, purposes.purpose) as purpose
from labels
left join purposes
    on labels.trace_key = purposes.trace_key and labels.span_key = purposes.span_key
