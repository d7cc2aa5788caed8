-- one row per call and originator: feature, rule, path and tenant, with the originator's weight
{{ config(materialized="view") }}
{% set context = ['service_name', 'span_name', 'root_service_name', 'root_span_name', 'route', 'prompt_template'] %}
with traced as (

    select * from {{ ref('int_call_paths_traced') }}

),

rules as (

    select * from {{ ref('feature_rules') }}

),

-- A rule gives an untagged call its feature, and any call its purpose: judges run under the label of what they judge.
contexts as (

    select distinct {{ context | join(', ') }}
    from traced
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

),
{% endfor %}

named as (

    select
        traced.call_key,
        coalesce(traced.is_split, false) as is_split,
        traced.service_name,
        traced.route,
        traced.prompt_version,
        traced.is_root_orphan,
        traced.owner_team_id,
        traced.environment_purpose,
        coalesce(traced.stated_purpose, nullif(by_purpose.purpose, 'production')) as stated_purpose,
        by_purpose.purpose as ruled_purpose,
        coalesce(traced.originating_feature_id, by_feature_id.feature_id) as originating_feature_id,
        coalesce(traced.serving_feature_id, by_feature_id.feature_id) as serving_feature_id,
        case when by_feature_id.feature_id is not null then 'catalog_rule' else traced.attribution_rule end
            as attribution_rule,
        traced.hops,
        traced.team_path,
        traced.tenant_id,
        traced.user_id,
        traced.weight
    from traced
    left join by_feature_id
        on traced.originating_feature_id is null and {{ are_same('traced', 'by_feature_id', context) }}
    left join by_purpose
        on {{ are_same('traced', 'by_purpose', context) }}

)

select * from named
where not is_split

union all

-- The same originator through several causes is one originator.
select
    {{ all_but('', ['weight']) }},
    sum(weight) as weight
from named
where is_split
group by all

union all

-- What no span shows has no path: its run says which feature it evaluated.
select
    call_key,
    false as is_split,
    null as service_name,
    null as route,
    prompt_version,
    false as is_root_orphan,
    null as owner_team_id,
    null as environment_purpose,
    'evaluation' as stated_purpose,
    null as ruled_purpose,
    feature_id as originating_feature_id,
    feature_id as serving_feature_id,
    case when feature_id is null then 'none' else 'trace_tag' end as attribution_rule,
    0 as hops,
    '' as team_path,
    null as tenant_id,
    null as user_id,
    1 as weight
from {{ ref('int_calls_evaluated') }}
where {{ is_touched('started_on', 'touched_day', is_utc=true) }}
