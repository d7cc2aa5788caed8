-- A cost driver says which bill lines pay for which calls, and by what they share them.
with drivers as (

    select
        *,
        case
            when lower(coalesce(driver, '')) not in ('tokens', 'seconds', 'requests')
                then 'driver is tokens, seconds or requests'
            when coalesce(provider, service_name, sku, description) is null
                then 'it takes every line of every bill: name provider, service_name, sku or description'
            when coalesce(service, model, tool_name) is null
                then 'it names no calls: name their service, model or tool_name'
            when model is not null and tool_name is not null
                then 'no call has a model and is a tool: write two rows'
            when capacity_per_unit <= 0
                then 'one billed unit serves more than 0; without a capacity leave the cell empty'
        end as problem
    from {{ ref('cost_drivers') }}

)

select
    problem,
    priority,
    provider,
    service_name,
    sku,
    description,
    service,
    model,
    tool_name,
    driver,
    capacity_per_unit
from drivers
where problem is not null
