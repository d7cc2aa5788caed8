-- one row per provider, account, day, model and meter of what no response id matched: charges against calls
with loose_charges as (

    select
        provider,
        account_id,
        charged_on as usage_on,
        model,
        meter,
        -- A call with a response id never takes money from charges that carry other ids.
        count(response_id) > 0 as is_identified,
        sum(quantity) as billed_quantity,
        sum(billed_usd) as billed_usd
    from {{ ref('int_charges_standing') }}
    where call_id is null
    group by provider, account_id, charged_on, model, meter

),

loose_calls as (

    select
        provider,
        account_id,
        started_on as usage_on,
        model,
        meter,
        response_id is not null as is_identified,
        sum(quantity) as quantity,
        sum(priced_usd) as priced_usd
    from {{ ref('int_call_meters_grouped') }}
    group by provider, account_id, started_on, model, meter, response_id is not null

),

joined as (

    select
        loose_charges.provider,
        loose_charges.account_id,
        loose_charges.usage_on,
        loose_charges.model,
        loose_charges.meter,
        loose_charges.is_identified,
        loose_charges.billed_quantity,
        loose_charges.billed_usd,
        cast(coalesce(sum(loose_calls.quantity), 0) as bigint) as traced_quantity,
        {{ money('sum(loose_calls.priced_usd)') }} as priced_usd
    from loose_charges
    left join loose_calls
        on
            loose_charges.provider = loose_calls.provider
            and loose_charges.account_id = loose_calls.account_id
            and loose_charges.usage_on = loose_calls.usage_on
            and loose_charges.model = loose_calls.model
            and loose_charges.meter = loose_calls.meter
            and not (loose_charges.is_identified and loose_calls.is_identified)
    group by
        loose_charges.provider, loose_charges.account_id, loose_charges.usage_on, loose_charges.model,
        loose_charges.meter, loose_charges.is_identified, loose_charges.billed_quantity, loose_charges.billed_usd

)

select
    *,
    traced_quantity > 0 as is_matched,
    case
        when traced_quantity = 0 then {{ money('0') }}
        -- A charge without a quantity takes the traced one; one that counts less than was traced is used up whole.
        when billed_quantity <= traced_quantity then billed_usd
        else {{ floored_part('billed_usd', 'traced_quantity', 'billed_quantity') }}
    end as attributed_usd,
    case
        when billed_quantity = 0 or billed_quantity >= traced_quantity then traced_quantity
        else billed_quantity
    end as matched_quantity
from joined
