{% set words = [
    'provider', 'service_name', 'sku', 'description', 'service', 'model', 'tool_name', 'driver', 'capacity_per_unit'
] %}
select
    {{ entry_key(words) }} as driver_id,
    concat_ws(', ', {{ words | join(', ') }}) as row_text,
    -- The lowest number of a call's drivers counts. Rows that name the same calls in the same words have one number.
    min(coalesce(priority, 2147483647)) over (partition by service, lower(model), tool_name) as place,
    provider,
    service_name,
    sku,
    description,
    service,
    lower(model) as model,
    tool_name,
    lower(driver) as driver,
    -- Seconds are counted in thousandths.
    cast(capacity_per_unit * case lower(driver) when 'seconds' then 1000 else 1 end as decimal(38, 6))
        as capacity_per_unit
from {{ ref('cost_drivers') }}
