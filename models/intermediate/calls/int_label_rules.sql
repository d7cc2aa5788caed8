{% set context = ['service_name', 'span_name', 'root_service_name', 'root_span_name', 'route', 'prompt_template'] %}
with rules as (

    select * from {{ ref('feature_rules') }}

),

-- Millions of calls share few contexts. A rule gives an unlabelled call its feature, and any call its purpose, because
-- judges run under the label of what they judge.
contexts as (

    select distinct
        calls.service_name,
        calls.span_name,
        spans.root_service_name,
        spans.root_span_name,
        spans.route,
        spans.prompt_template
    from {{ ref('int_calls') }} as calls
    inner join {{ ref('int_span_attribution') }} as spans
        on calls.trace_key = spans.trace_key and calls.span_key = spans.span_key
    where
        {{ is_touched('calls.started_on', 'touched_day', is_utc=true) }}
        and {{ is_touched('spans.started_on', 'touched_day', is_utc=true) }}
        and (spans.originating_feature_id is null or (select count(rules.purpose) from rules) > 0)

),

matching_rules as (

    select
        contexts.*,
        rules.priority,
        rules.feature_id,
        lower(rules.purpose) as purpose
    from contexts
    inner join rules on {{ rule_fits('contexts') }}

),

{% for label in ['feature_id', 'purpose'] %}
first_rule_with_{{ label }} as (

    {% call first_rows(partition_by=context, order_by="priority, feature_id") %}
        select * from matching_rules
        where {{ label }} is not null
    {% endcall %}

){{ ',' if not loop.last }}

{% endfor %}

select
    contexts.*,
    by_feature.feature_id,
    by_purpose.purpose
from contexts
left join first_rule_with_feature_id as by_feature on {{ are_same('contexts', 'by_feature', context) }}
left join first_rule_with_purpose as by_purpose on {{ are_same('contexts', 'by_purpose', context) }}
where by_feature.feature_id is not null or by_purpose.purpose is not null
