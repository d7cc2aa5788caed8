-- one row per call that no response id matched and billed meter, inside a bill's time: what it could be billed for
with calls as (

    select
        calls.call_id,
        calls.provider,
        windowed.account_id,
        calls.started_on,
        calls.model,
        calls.response_id
    from {{ ref('int_calls_priced') }} as calls
    inner join {{ ref('int_calls_windowed') }} as windowed on calls.call_id = windowed.call_id
    where windowed.is_in_bill and not calls.is_on_bill

)

select
    calls.call_id,
    calls.provider,
    calls.account_id,
    calls.started_on,
    calls.model,
    calls.response_id,
    coalesce(families.billed_meter, meters.meter) as meter,
    sum(meters.quantity) as quantity,
    sum(meters.priced_usd) as priced_usd
from calls
inner join {{ ref('int_meters_priced') }} as meters on calls.call_id = meters.call_id
left join {{ ref('meter_families') }} as families
    on calls.provider = families.provider and meters.meter = families.call_meter
group by
    calls.call_id, calls.provider, calls.account_id, calls.started_on, calls.model, calls.response_id,
    coalesce(families.billed_meter, meters.meter)
