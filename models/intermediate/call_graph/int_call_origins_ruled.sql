-- one row per call and originator: feature, rule, path and tenant, with the originator's weight
{{ config(materialized="view") }}
with traced as (

    select * from {{ ref('int_call_paths_traced') }}

),

-- Untagged calls: the first catalog rule that fits where the call entered, or the call itself.
contexts as (

    select distinct
        service_name,
        span_name,
        root_service_name,
        root_span_name,
        route,
        prompt_template
    from traced
    where originating_feature_id is null

),

ruled as (

    {% call first_rows(
        partition_by=[
            "contexts.service_name", "contexts.span_name", "contexts.root_service_name", "contexts.root_span_name",
            "contexts.route", "contexts.prompt_template"
        ],
        order_by="rules.priority, rules.feature_id"
    ) %}
        select
            contexts.*,
            rules.feature_id as ruled_feature_id,
            rules.purpose as ruled_purpose
        from contexts
        inner join {{ ref('feature_rules') }} as rules
            on
                (
                    {{ matches('contexts.service_name', 'rules.service') }}
                    or {{ matches('contexts.root_service_name', 'rules.service') }}
                )
                and {{ matches('contexts.route', 'rules.route') }}
                and {{ matches('contexts.prompt_template', 'rules.prompt_template') }}
                and (
                    {{ matches('contexts.span_name', 'rules.span_name') }}
                    or {{ matches('contexts.root_span_name', 'rules.span_name') }}
                )
    {% endcall %}

),

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
        coalesce(traced.stated_purpose, lower(ruled.ruled_purpose)) as stated_purpose,
        coalesce(traced.originating_feature_id, ruled.ruled_feature_id) as originating_feature_id,
        coalesce(traced.serving_feature_id, ruled.ruled_feature_id) as serving_feature_id,
        case when ruled.ruled_feature_id is not null then 'catalog_rule' else traced.attribution_rule end
            as attribution_rule,
        traced.hops,
        traced.team_path,
        traced.tenant_id,
        traced.user_id,
        traced.weight
    from traced
    left join ruled
        on
            traced.originating_feature_id is null
            and traced.service_name is not distinct from ruled.service_name
            and traced.span_name is not distinct from ruled.span_name
            and traced.root_service_name is not distinct from ruled.root_service_name
            and traced.root_span_name is not distinct from ruled.root_span_name
            and traced.route is not distinct from ruled.route
            and traced.prompt_template is not distinct from ruled.prompt_template

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
