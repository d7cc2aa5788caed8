{{ replaces_touched("called_on", by="reopened_day") }}
select
    calls.started_on as called_on,
    calls.service_name,
    lower(calls.model_name) as model_key,
    charges.provider,
    count(*) as calls
from {{ ref('int_calls') }} as calls
inner join {{ ref('int_bill_lines') }} as charges on calls.call_id = charges.response_id
inner join {{ ref('int_bill_line_status') }} as status on charges.line_id = status.line_id
where
    calls.is_answered
    and status.is_standing
    -- If a gateway used the customer's own key, the provider bills the call, not the gateway.
    and charges.own_key_provider is null
    and {{ is_touched('calls.started_on', 'reopened_day') }}
group by calls.started_on, calls.service_name, lower(calls.model_name), charges.provider
