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

),

-- A charge without a quantity has what its money buys at book prices, else what was traced.
counted as (

    select
        *,
        case
            when billed_quantity > 0 then billed_quantity
            when billed_usd > 0 and priced_usd > 0
                then {{ whole_ratio('billed_usd', 'traced_quantity', 'priced_usd') }}
            else traced_quantity
        end as charged_quantity
    from joined

)

select
    provider,
    account_id,
    usage_on,
    model,
    meter,
    is_identified,
    billed_quantity,
    billed_usd,
    traced_quantity,
    priced_usd,
    traced_quantity > 0 as is_matched,
    case
        when traced_quantity = 0 then {{ money('0') }}
        -- What counts no more than was traced is used up whole; credits of a model go to its calls.
        when charged_quantity <= traced_quantity then billed_usd
        else {{ floored_part('billed_usd', 'traced_quantity', 'charged_quantity') }}
    end as attributed_usd,
    least(charged_quantity, traced_quantity) as matched_quantity
from counted
