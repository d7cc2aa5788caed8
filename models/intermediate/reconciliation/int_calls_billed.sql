-- one row per call: what the bill says it cost, at which level they met, or that it still accrues
with calls as (

    select
        calls.* exclude (account_id), -- noqa: RF02
        windowed.account_id,
        windowed.is_in_bill
    from {{ ref('int_calls_priced') }} as calls
    inner join {{ ref('int_calls_windowed') }} as windowed on calls.call_id = windowed.call_id

),

by_response as (

    select
        call_id,
        sum(billed_usd) as billed_usd
    from {{ ref('int_charges_standing') }}
    where call_id is not null
    group by call_id

),

-- A call's part of each meter's group goes by what it used of that meter.
grouped_calls as (

    select
        meters.call_id,
        groups.provider,
        groups.account_id,
        groups.usage_on,
        groups.model,
        groups.meter,
        groups.attributed_usd as group_usd,
        meters.quantity,
        {{ floored_part('groups.attributed_usd', 'meters.quantity', 'groups.traced_quantity') }} as part_usd
    from {{ ref('int_call_meters_grouped') }} as meters
    inner join {{ ref('int_charge_groups_matched') }} as groups
        on
            meters.provider = groups.provider
            and meters.account_id = groups.account_id
            and meters.started_on = groups.usage_on
            and meters.model = groups.model
            and meters.meter = groups.meter
            and not (groups.is_identified and meters.response_id is not null)

),

by_group as (

    select
        call_id,
        {{ part_with_residue(
            'group_usd', 'part_usd', 'quantity', 'provider, account_id, usage_on, model, meter', 'call_id'
        ) }} as billed_usd
    from grouped_calls

),

by_group_and_call as (

    select
        call_id,
        sum(billed_usd) as billed_usd
    from by_group
    group by call_id

)

select
    calls.*,
    case
        when by_response.call_id is not null then {{ money('by_response.billed_usd') }}
        when by_group_and_call.call_id is not null then {{ money('by_group_and_call.billed_usd') }}
        -- The bill is the truth also where it is silent: over-traced calls cost nothing.
        when calls.is_in_bill then {{ money('0') }}
    end as billed_usd,
    case
        when by_response.call_id is not null then 'response_id'
        when by_group_and_call.call_id is not null then 'account_day_model_meter'
        else 'none'
    end as match_level,
    case
        when calls.is_in_bill then 'billed'
        when calls.priced_usd is not null then 'accrued'
        else 'unpriced'
    end as basis
from calls
left join by_response on calls.call_id = by_response.call_id
left join by_group_and_call on calls.call_id = by_group_and_call.call_id
