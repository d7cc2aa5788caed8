{{ config(post_hook="{{ walk_further_slices() }}") }}
{% set slice = first_slice() %}
{% set is_tool = "not is_billable and (tool_name is not null or operation_name in ('execute_tool', 'tool'))" %}
{% set parent_links %}
span_times as (

    select
        trace_key,
        span_key,
        parent_span_key,
        coalesce(started_at, timestamp '1970-01-01 00:00:00') as started_at
    from {{ ref('int_spans_reopened') }}
    where {{ slice.traces }}

),

parent_links as (

    select
        spans.trace_key,
        spans.span_key,
        parents.span_key as parent_span_key,
        spans.parent_span_key is not null and parents.span_key is null as is_orphan,
        -- Every cycle contains at least one parent that does not start before its child.
        coalesce((parents.started_at, parents.span_key) >= (spans.started_at, spans.span_key), false)
            as is_clock_reversed
    from span_times as spans
    left join span_times as parents
        on spans.trace_key = parents.trace_key and spans.parent_span_key = parents.span_key

),

reversed_traces as (

    select distinct trace_key
    from parent_links
    where is_clock_reversed

),
{% endset %}
{% set suspect_links %}
-- Only traces with such a link can contain a cycle, so the search for unreachable spans is limited to them.
suspect_links as (

    {% call set_aside('suspect_links', parent_links) %}
        select parent_links.*
        from parent_links
        inner join reversed_traces
            on parent_links.trace_key = reversed_traces.trace_key
    {% endcall %}

),
{% endset %}
{% set roots %}
    select
        trace_key,
        span_key,
        0 as depth
    from suspect_links
    where parent_span_key is null
{% endset %}
with recursive {{ parent_links }}

{{ suspect_links }}

reachable_spans as (

    {% call(reachable_spans) reached_from('reachable_spans', roots, suspect_links, level='depth') %}
        select
            suspect_links.trace_key,
            suspect_links.span_key,
            reachable_spans.depth + 1 as depth
        from {{ reachable_spans }}
        inner join suspect_links
            on
                reachable_spans.trace_key = suspect_links.trace_key
                and reachable_spans.span_key = suspect_links.parent_span_key
    {% endcall %}

),

-- Break cycles by dropping reversed links of unreachable spans; skewed clocks elsewhere keep their parent.
broken_links as (

    select
        suspect_links.trace_key,
        suspect_links.span_key
    from suspect_links
    left join reachable_spans
        on
            suspect_links.trace_key = reachable_spans.trace_key
            and suspect_links.span_key = reachable_spans.span_key
    where suspect_links.is_clock_reversed and reachable_spans.span_key is null

),

parent_spans as (

    select distinct
        trace_key,
        parent_span_key as span_key
    from parent_links
    where parent_span_key is not null

),

tool_names as (

    select distinct
        service_name,
        {{ called_tool() }} as called_tool
    from {{ ref('int_spans_reopened') }}
    where {{ slice.traces }} and {{ is_tool }}

),

-- Prefer the most specific (longest) pattern.
billed_tools as (

    {% call first_rows(
        partition_by="tool_names.service_name, tool_names.called_tool",
        order_by=[
            "length(tools.service) desc nulls last", "length(tools.tool_name) desc nulls last", "tools.provider",
            "tools.meter"
        ]
    ) %}
        select
            tool_names.*,
            tools.provider as tool_provider,
            coalesce(tools.meter, 'request') as tool_meter
        from tool_names
        inner join {{ ref('billable_tools') }} as tools
            on
                {{ fits_id('tool_names.service_name', 'tools.service') }}
                and {{ fits_id('tool_names.called_tool', 'tools.tool_name') }}
    {% endcall %}

),

spans as (

    select
        *,
        lower(environment) as environment_name,
        {{ is_tool }} as is_tool,
        {{ called_tool() }} as called_tool
    from {{ ref('int_spans_reopened') }}
    where {{ slice.traces }}

),

catalog as (

    select * from {{ ref('feature_catalog') }}

),

services as (

    select * from {{ ref('services') }}

),

rates as (

    select * from {{ ref('sampling_rates') }}

)

select
    spans.trace_key,
    {{ slice.number }} as slice_no,
    spans.span_key,
    spans.started_on,
    case when broken_links.span_key is null then parent_links.parent_span_key end as parent_span_key,
    parent_links.is_orphan,
    parent_spans.span_key is not null as is_inner,
    spans.feature_id,
    -- The team that runs a span: its own tag, else its own label's owner, else its service's owner.
    coalesce(spans.team_id, catalog.owner_team_id, services.owner_team_id, spans.trace_team_id) as owner_team_id,
    spans.trace_feature_id,
    case
        when spans.purpose in ('production', 'evaluation', 'development') then spans.purpose
        when spans.evaluation_run_id is not null then 'evaluation'
    end as stated_purpose,
    case
        when spans.environment_name in ('production', 'prod', 'live', 'prd') then 'production'
        when spans.environment_name like 'eval%' or spans.environment_name like 'langfuse-%' then 'evaluation'
        when
            spans.environment_name in (
                'development', 'dev', 'staging', 'stage', 'test', 'testing', 'qa', 'local', 'ci'
            )
            then 'development'
        -- Langfuse sets the environment to `default` when none is configured.
        when spans.environment_name <> 'default' then 'unknown'
    end as environment_purpose,
    -- How many spans this one stands for: as it says, else by its service's rate. A tail sampler keeps what is unusual:
    -- no rate scales that.
    coalesce(
        spans.adjusted_count, case when not spans.is_tail_sampled then cast(1 / rates.rate as decimal(18, 6)) end
    ) as adjusted_count,
    spans.tenant_id,
    spans.user_id,
    spans.prompt_version,
    spans.service_name,
    spans.route,
    spans.prompt_template,
    spans.span_name,
    spans.is_billable,
    spans.has_usage,
    -- Agents, workflows, chains and tools make no request, but may state the usage of those beneath them; so may any
    -- span of an unknown operation.
    spans.has_usage and billed_tools.tool_meter is null and served.span_key is null
    and (not spans.is_billable or (spans.is_unknown_operation and parent_spans.span_key is not null)) as is_claim,
    coalesce(billed_tools.called_tool, served.called_tool) as called_tool,
    coalesce(billed_tools.tool_provider, served.provider) as tool_provider,
    -- Requests that run on own capacity are calls, too.
    coalesce(billed_tools.tool_meter, case when served.span_key is not null then 'request' end) as tool_meter
from spans
inner join parent_links
    on spans.trace_key = parent_links.trace_key and spans.span_key = parent_links.span_key
left join broken_links
    on spans.trace_key = broken_links.trace_key and spans.span_key = broken_links.span_key
left join parent_spans
    on spans.trace_key = parent_spans.trace_key and spans.span_key = parent_spans.span_key
left join billed_tools
    on
        spans.is_tool
        and spans.called_tool is not distinct from billed_tools.called_tool
        and spans.service_name is not distinct from billed_tools.service_name
left join {{ ref('int_served_spans') }} as served
    on spans.trace_key = served.trace_key and spans.span_key = served.span_key
left join catalog
    on spans.feature_id = catalog.feature_id and {{ in_force('catalog', 'spans.started_on') }}
left join services
    on spans.service_name = services.service_name and {{ in_force('services', 'spans.started_on') }}
left join rates
    on spans.service_name = rates.service_name and {{ in_force('rates', 'spans.started_on') }}
