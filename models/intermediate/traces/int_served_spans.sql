{{ replaces_touched("trace_key", by="trace", days="started_on") }}
{#- Operations of gateways and metrics that are no requests. -#}
{% set no_request = "('usage_metric', 'gateway_cache_hit', 'gateway_health_check', 'gateway_housekeeping')" %}
with drivers as (

    select * from {{ ref('stg_catalog__cost_drivers') }}
    where model is null

),

all_services as (

    select distinct service_name
    from {{ ref('stg_telemetry__span_times') }}
    where {{ is_touched('started_on', 'span_day') }} and {{ is_touched('trace_key', 'trace') }}

),

-- Services of which a cost driver names tools, or every request.
services as (

    select
        services.service_name,
        bool_or(drivers.tool_name is null) as is_whole
    from all_services as services
    inner join drivers on {{ fits_id('services.service_name', 'drivers.service') }}
    group by services.service_name

),

spans as (

    select
        spans.trace_key,
        spans.span_key,
        spans.parent_span_key,
        spans.started_on,
        spans.service_name,
        spans.is_billable,
        spans.has_usage,
        spans.tool_name is not null or spans.operation_name in ('execute_tool', 'tool') as is_tool,
        coalesce(spans.operation_name, '') not in {{ no_request }} as is_request,
        {{ called_tool() }} as called_tool,
        services.is_whole
    from {{ ref('int_spans_reopened') }} as spans
    inner join services on spans.service_name is not distinct from services.service_name

),

-- The driver that takes the tool first says whose it is, among equals the most specific (longest) pattern.
tools as (

    {% call first_rows(
        partition_by="names.service_name, names.called_tool",
        order_by=[
            "drivers.place", "length(drivers.service) desc nulls last", "length(drivers.tool_name) desc",
            "drivers.driver_id"
        ]
    ) %}
        select
            names.service_name,
            names.called_tool,
            drivers.provider
        from (select distinct
            service_name,
            called_tool
        from spans
        where not is_billable and is_request) as names
        inner join drivers
            on
                {{ fits_id('names.service_name', 'drivers.service') }}
                and {{ is_id('names.called_tool', 'drivers.tool_name') }}
    {% endcall %}

),

served_tools as (

    select
        spans.trace_key,
        spans.span_key,
        spans.started_on,
        spans.service_name,
        spans.called_tool,
        tools.provider
    from spans
    inner join tools
        on
            spans.service_name is not distinct from tools.service_name
            and spans.called_tool = tools.called_tool
    where not spans.is_billable and spans.is_request

),

billed_tools as (

    select distinct
        names.service_name,
        names.called_tool
    from (select distinct
        service_name,
        called_tool
    from spans
    where is_tool and not is_billable) as names
    inner join {{ ref('billable_tools') }} as tools
        on
            {{ fits_id('names.service_name', 'tools.service') }}
            and {{ fits_id('names.called_tool', 'tools.tool_name') }}

),

-- If a service's calls to models or tools, or an agent's usage, are seen in a trace, they are its requests there.
traces_with_calls as (

    select
        spans.trace_key,
        spans.service_name
    from spans
    left join billed_tools as billed
        on spans.service_name is not distinct from billed.service_name and spans.called_tool = billed.called_tool
    where spans.is_billable or spans.has_usage or (spans.is_tool and billed.called_tool is not null)

    union

    select
        trace_key,
        service_name
    from served_tools

),

-- Else each span by which a request enters the service is one.
entries as (

    select
        spans.trace_key,
        spans.span_key,
        spans.started_on,
        spans.service_name,
        spans.called_tool
    from spans
    left join {{ ref('stg_telemetry__span_times') }} as parents
        on
            spans.trace_key = parents.trace_key
            and spans.parent_span_key = parents.span_key
            and {{ is_touched('parents.started_on', 'span_day') }}
    left join traces_with_calls
        on
            spans.trace_key = traces_with_calls.trace_key
            and spans.service_name is not distinct from traces_with_calls.service_name
    where
        spans.is_whole and not spans.is_billable and spans.is_request and traces_with_calls.trace_key is null
        and (parents.span_key is null or parents.service_name is distinct from spans.service_name)

),

whole_services as (

    {% call first_rows(
        partition_by="services.service_name",
        order_by=["drivers.place", "length(drivers.service) desc nulls last", "drivers.driver_id"]
    ) %}
        select
            services.service_name,
            drivers.provider
        from services
        inner join drivers on {{ fits_id('services.service_name', 'drivers.service') }}
        where drivers.tool_name is null
    {% endcall %}

)

select
    trace_key,
    span_key,
    started_on,
    called_tool,
    -- A driver's provider may be a LIKE pattern, which is no name.
    case when position('%' in provider) = 0 then lower(provider) end as provider
from served_tools

union all

select
    entries.trace_key,
    entries.span_key,
    entries.started_on,
    entries.called_tool,
    case when position('%' in whole.provider) = 0 then lower(whole.provider) end as provider
from entries
left join whole_services as whole on entries.service_name is not distinct from whole.service_name
