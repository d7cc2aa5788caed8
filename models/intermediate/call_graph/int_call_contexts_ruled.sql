-- one row per context of calls (service, span, root, route, template): the feature and purpose that rules give it
{% set context = ['service_name', 'span_name', 'root_service_name', 'root_span_name', 'route', 'prompt_template'] %}
with rules as (

    select * from {{ ref('feature_rules') }}

),

-- A rule gives an untagged call its feature, and any call its purpose: judges run under the label of what they judge.
contexts as (

    select distinct {{ context | join(', ') }}
    from {{ ref('int_call_paths_traced') }}
    where originating_feature_id is null or (select count(rules.purpose) from rules) > 0

),

{% for said in ['feature_id', 'purpose'] %}
by_{{ said }} as (

    {% call first_rows(
        partition_by="contexts." ~ context | join(', contexts.'), order_by="rules.priority, rules.feature_id"
    ) %}
        select
            contexts.*,
            lower(rules.purpose) as purpose,
            rules.feature_id
        from contexts
        inner join rules on {{ rule_fits('contexts') }}
        where rules.{{ said }} is not null
    {% endcall %}

){{ ',' if not loop.last }}

{% endfor %}

select
    contexts.*,
    by_feature_id.feature_id,
    by_purpose.purpose
from contexts
left join by_feature_id on {{ are_same('contexts', 'by_feature_id', context) }}
left join by_purpose on {{ are_same('contexts', 'by_purpose', context) }}
where by_feature_id.feature_id is not null or by_purpose.purpose is not null
