-- one row per span: what it says of itself that the walk hands down (labels, owner, purpose, place in its trace)
{{ config(materialized=held_for_many()) }}
with spans as (

    select * from {{ ref('int_spans_reopened') }}

),

parents as (

    select * from {{ ref('int_span_parents_resolved') }}

),

catalog as (

    select * from {{ ref('feature_catalog') }}

),

services as (

    select * from {{ ref('services') }}

),

linked_roots as (

    select distinct
        caused_trace_key as trace_key,
        caused_root_key as span_key
    from {{ ref('int_trace_links_unnested') }}

),

link_causes as (

    select distinct
        link_ends.trace_key,
        link_ends.span_key
    from {{ ref('int_trace_links_unnested') }} as link_ends

)

select
    spans.trace_key,
    parents.slice_no,
    spans.span_key,
    spans.started_on,
    parents.parent_span_key,
    parents.is_orphan,
    spans.feature_id,
    -- The team that runs a span: its own tag, else its own label's owner, else its service's owner.
    coalesce(spans.team_id, catalog.owner_team_id, services.owner_team_id, spans.trace_team_id) as owner_team_id,
    spans.trace_feature_id,
    case
        when spans.purpose in ('production', 'evaluation', 'development') then spans.purpose
        when spans.evaluation_run_id is not null then 'evaluation'
    end as stated_purpose,
    case
        when lower(spans.environment) in ('production', 'prod', 'live', 'prd') then 'production'
        when lower(spans.environment) like 'eval%' or lower(spans.environment) like 'langfuse-%' then 'evaluation'
        when
            lower(spans.environment) in (
                'development', 'dev', 'staging', 'stage', 'test', 'testing', 'qa', 'local', 'ci'
            )
            then 'development'
        -- Langfuse writes `default` where nobody named an environment.
        when lower(spans.environment) <> 'default' then 'unknown'
    end as environment_purpose,
    spans.tenant_id,
    spans.user_id,
    spans.prompt_version,
    spans.service_name,
    spans.route,
    spans.prompt_template,
    spans.span_name,
    spans.is_billable,
    linked_roots.span_key is not null as is_linked_root,
    parents.is_inner,
    -- Agents, workflows, chains and tools make no request, but may state the usage of those beneath them; so may any
    -- span of an unknown operation.
    spans.has_usage and tools.span_key is null
    and (not spans.is_billable or (spans.is_unknown_operation and parents.is_inner)) as is_claim,
    spans.is_billable or spans.has_usage or tools.span_key is not null or link_causes.span_key is not null as is_needed
from spans
inner join parents
    on spans.trace_key = parents.trace_key and spans.span_key = parents.span_key
left join catalog
    on spans.feature_id = catalog.feature_id and {{ in_force('catalog', 'spans.started_on') }}
left join services
    on spans.service_name = services.service_name and {{ in_force('services', 'spans.started_on') }}
left join {{ ref('int_tools_called') }} as tools
    on spans.trace_key = tools.trace_key and spans.span_key = tools.span_key
left join linked_roots
    on spans.trace_key = linked_roots.trace_key and spans.span_key = linked_roots.span_key
left join link_causes
    on spans.trace_key = link_causes.trace_key and spans.span_key = link_causes.span_key
