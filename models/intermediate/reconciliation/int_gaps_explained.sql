-- one row per side of a meeting of bill and calls: matched by response id, by group, or a line that names no use
with calls as (

    select * from {{ ref('int_calls_billed') }}
    where is_in_bill

),

-- What the calls that met a charge, of their day or of the days beside it, would cost by the book.
groups as (

    select
        *,
        {{ floored_part('priced_usd', 'matched_quantity', 'traced_quantity') }} as matched_price_usd,
        {{ floored_part('priced_usd', 'matched_quantity + shifted_quantity', 'traced_quantity') }} as taken_price_usd
    from {{ ref('int_charge_groups_shifted') }}

),

charged_calls as (

    select
        call_key,
        sum(quantity) as quantity,
        sum(billed_usd) as billed_usd,
        min(charged_on) as usage_on,
        min(meter) as meter
    from {{ ref('int_charges_settled') }}
    where call_key is not null
    group by call_key

),

by_response as (

    -- The bill's quantity stands for a call that it names; the export's own count shows as a quantity gap.
    select
        charged_calls.usage_on,
        calls.provider,
        calls.account_id,
        calls.model,
        charged_calls.meter,
        charged_calls.billed_usd,
        calls.priced_usd,
        charged_calls.billed_usd as attributed_usd,
        0 as overtraced_usd,
        0 as timing_gap_usd,
        0 as rounding_usd,
        coalesce({{ floored_part('calls.priced_usd', 'charged_calls.quantity - calls.quantity', 'calls.quantity') }}, 0)
            as quantity_gap_usd,
        charged_calls.quantity as billed_quantity,
        calls.quantity as traced_quantity,
        'response_id' as match_level
    from calls
    inner join charged_calls on calls.call_key = charged_calls.call_key

),

by_group as (

    select
        usage_on,
        provider,
        account_id,
        model,
        meter,
        billed_usd,
        case when priced_usd is null then excluded_usd else priced_usd + coalesce(excluded_usd, 0) end as priced_usd,
        given_usd as attributed_usd,
        coalesce(taken_price_usd - priced_usd, 0) - coalesce(excluded_usd, 0) as overtraced_usd,
        given_usd - attributed_usd - coalesce(taken_price_usd - matched_price_usd, 0) as timing_gap_usd,
        rounding_usd,
        0 as quantity_gap_usd,
        billed_quantity,
        traced_quantity + excluded_quantity as traced_quantity,
        case when is_matched then match_level when shifted_quantity > 0 then 'adjacent_day' end as match_level
    from groups
    where not (is_provisional and charges = 0 and shifted_quantity = 0)

),

unmetered as (

    select
        charged_on as usage_on,
        provider,
        account_id,
        model,
        cast(null as varchar) as meter,
        billed_usd,
        0 as priced_usd,
        0 as attributed_usd,
        0 as overtraced_usd,
        0 as timing_gap_usd,
        0 as rounding_usd,
        0 as quantity_gap_usd,
        0 as billed_quantity,
        0 as traced_quantity,
        cast(null as varchar) as match_level
    from {{ ref('int_charges_settled') }}
    where meter is null

),

parts as (

    select * from by_response
    union all
    select * from by_group
    union all
    select * from unmetered

)

select
    *,
    case when meter is null and billed_usd >= 0 then billed_usd else 0 end as invoice_only_usd,
    case when meter is null and billed_usd < 0 then billed_usd else 0 end as credit_usd,
    case when meter is null then 0 else billed_usd - attributed_usd - rounding_usd end as untraced_usd
from parts
