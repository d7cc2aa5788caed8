-- one row per provider, account, day, model and meter of what no response id matched: charges against calls
with loose_charges as (

    select
        provider,
        account_id,
        charged_on as usage_on,
        model,
        meter,
        sum(quantity) as billed_quantity,
        sum(billed_usd) as billed_usd
    from {{ ref('int_charges_standing') }}
    where call_id is null
    group by provider, account_id, charged_on, model, meter

),

families as (

    select distinct
        provider,
        billed_meter
    from {{ ref('meter_families') }}

),

-- A call with a response id that the bill does not know never takes money from charges that carry other ids.
loose_calls as (

    select
        calls.provider,
        windowed.account_id,
        calls.started_on as usage_on,
        calls.model,
        families.billed_meter as meter,
        sum(calls.quantity) as traced_quantity,
        sum(calls.priced_usd) as priced_usd
    from {{ ref('int_calls_priced') }} as calls
    inner join {{ ref('int_calls_windowed') }} as windowed on calls.call_id = windowed.call_id
    inner join families on calls.provider = families.provider
    where windowed.is_in_bill and not calls.is_on_bill and calls.response_id is null
    group by calls.provider, windowed.account_id, calls.started_on, calls.model, families.billed_meter

),

joined as (

    select
        loose_charges.*,
        coalesce(loose_calls.traced_quantity, 0) as traced_quantity,
        loose_calls.priced_usd,
        loose_calls.provider is not null and loose_calls.traced_quantity > 0 as is_matched
    from loose_charges
    left join loose_calls
        on
            loose_charges.provider = loose_calls.provider
            and loose_charges.account_id = loose_calls.account_id
            and loose_charges.usage_on = loose_calls.usage_on
            and loose_charges.model = loose_calls.model
            and loose_charges.meter = loose_calls.meter

)

select
    *,
    case
        when not is_matched then {{ money('0') }}
        -- A charge without a quantity takes the traced one; one that counts less than was traced is used up whole.
        when billed_quantity <= traced_quantity then billed_usd
        else {{ floored_part('billed_usd', 'traced_quantity', 'billed_quantity') }}
    end as attributed_usd,
    case
        when not is_matched then 0
        when billed_quantity = 0 or billed_quantity >= traced_quantity then traced_quantity
        else billed_quantity
    end as matched_quantity
from joined
