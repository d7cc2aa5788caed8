{% set context = ['service_name', 'span_name', 'root_service_name', 'root_span_name', 'route', 'prompt_template'] %}
with rules as (

    select * from {{ ref('feature_rules') }}

),

causes as (

    select distinct
        trace_key,
        span_key
    from {{ ref('int_trace_causes') }}
    where (select count(*) from rules) > 0

),

unlabelled_spans as (

    select
        attributed.trace_key,
        attributed.span_key,
        attributed.root_span_key,
        spans.service_name,
        spans.span_name,
        attributed.root_service_name,
        attributed.root_span_name,
        attributed.stated_purpose,
        attributed.route,
        attributed.prompt_template
    from {{ ref('int_span_attribution') }} as attributed
    inner join {{ ref('int_spans_reopened') }} as spans
        on attributed.trace_key = spans.trace_key and attributed.span_key = spans.span_key
    where
        {{ is_touched('attributed.trace_key', 'trace') }}
        and attributed.trace_key in (
            select causes.trace_key
            from causes
        )
        and attributed.originating_feature_id is null

),

unlabelled_causes as (

    select spans.*
    from causes
    inner join unlabelled_spans as spans
        on causes.trace_key = spans.trace_key and causes.span_key = spans.span_key

),

-- The linked span is often the first of its request, and the calls beneath it say what was asked for. A span with a
-- prompt template of its own says it itself.
cause_contexts as (

    select
        trace_key,
        span_key,
        true as is_own,
        stated_purpose,
        {{ context | join(',\n        ') }}
    from unlabelled_causes

    union

    select
        causes.trace_key,
        causes.span_key,
        false as is_own,
        spans.stated_purpose,
        spans.{{ context | join(',\n        spans.') }}
    from unlabelled_causes as causes
    inner join unlabelled_spans as spans
        on causes.trace_key = spans.trace_key and causes.root_span_key = spans.root_span_key
    where causes.prompt_template is null

),

contexts as (

    select distinct {{ context | join(', ') }}
    from cause_contexts

),

context_rules as (

    select
        contexts.*,
        rules.priority,
        rules.feature_id,
        lower(rules.purpose) as purpose
    from contexts
    inner join rules on {{ rule_fits('contexts') }}

),

cause_rules as (

    select
        causes.trace_key,
        causes.span_key,
        causes.is_own,
        -- A judge within a request is not what caused its batch.
        causes.is_own or coalesce(rules.purpose, causes.stated_purpose, '') != 'evaluation' as is_request,
        rules.priority,
        rules.feature_id,
        rules.purpose
    from cause_contexts as causes
    inner join context_rules as rules on {{ are_same('causes', 'rules', context) }}

),

feature_labels as (

    {% call first_rows(
        partition_by="trace_key, span_key",
        order_by=["case when is_request then 0 else 1 end", "priority", "feature_id", "purpose"]
    ) %}
        select * from cause_rules
        where feature_id is not null
    {% endcall %}

),

purpose_labels as (

    {% call first_rows(partition_by="trace_key, span_key", order_by=["priority", "purpose"]) %}
        select * from cause_rules
        where is_own and purpose is not null
    {% endcall %}

)

select
    features.trace_key,
    features.span_key,
    features.feature_id,
    coalesce(features.purpose, purposes.purpose) as purpose
from feature_labels as features
left join purpose_labels as purposes
    on features.trace_key = purposes.trace_key and features.span_key = purposes.span_key
