-- one row per tool span that a provider bills (seed billable_tools), as a call of the seed's meter
{{ replaces_touched("trace_key", by="trace", days="started_on") }}
with spans as (

    select
        *,
        -- Where no attribute names the tool, the span does: `execute_tool web_search`.
        coalesce(tool_name, case
            when operation_name in ('execute_tool', 'tool') then replace(span_name, 'execute_tool ', '')
        end) as called_tool
    from {{ ref('int_spans_reopened') }}
    where not is_billable and (tool_name is not null or operation_name in ('execute_tool', 'tool'))

),

tools as (

    select * from {{ ref('billable_tools') }}

),

-- The longest pattern is the most specific.
called as (

    {% call first_rows(
        partition_by="spans.trace_key, spans.span_key",
        order_by=[
            "length(tools.service) desc nulls last", "length(tools.tool_name) desc nulls last", "tools.provider",
            "tools.meter"
        ]
    ) %}
        select
            spans.*,
            tools.provider as tool_provider,
            coalesce(tools.meter, 'request') as tool_meter
        from spans
        inner join tools
            on
                {{ matches('spans.service_name', 'tools.service') }}
                and {{ matches('spans.called_tool', 'tools.tool_name') }}
    {% endcall %}

)

select
    {{ row_key("trace_id || ':' || span_id") }} as call_key,
    trace_id || ':' || span_id as call_id,
    false as is_answered,
    1 as spans,
    trace_key,
    span_key,
    trace_id,
    span_id,
    started_on,
    started_at,
    span_name,
    service_name,
    tool_provider as provider_name,
    cast(null as string) as server_address,
    -- Prices and bills know the tool by its name.
    called_tool as model_name,
    service_tier,
    inference_geo,
    api_key,
    account_id,
    stated_usd,
    is_failed,
    true as has_usage,
    cached_input_rule,
    -- Usage that a tool's span states is that of the calls beneath it.
    {{ meter_columns('0 as ') }},
    false as is_cache_write_timed,
    tool_meter
from called
