{{ replaces_touched("started_on", by="touched_day") }}
-- Stored for all days: int_metered_costs_daily also reads the day before each rebuilt day.
select
    calls.call_key,
    calls.started_on,
    usage.meter,
    usage.quantity,
    usage.priced_usd
from {{ ref('int_call_costs') }} as calls
inner join {{ ref('int_usage_items') }} as usage on calls.call_key = usage.call_key
where {{ is_touched('calls.started_on', 'touched_day') }}
