{{ replaces_touched("read_on", by="touched_day") }}
with calls as (

    select * from {{ ref('int_call_costs') }}

),

-- What the calls that met a charge, of their day or of the days beside it, would cost by the book.
groups as (

    select
        *,
        {{ floored_part('priced_usd', 'matched_quantity', 'traced_quantity') }} as matched_price_usd,
        {{ floored_part('priced_usd', 'matched_quantity + shifted_quantity', 'traced_quantity') }} as taken_price_usd,
        -- A quantity that money buys at book prices is cut off to whole units; its price is all that money.
        case
            when is_bought_at_book and charged_quantity < traced_quantity
                then attributed_usd - {{ floored_part('priced_usd', 'matched_quantity', 'traced_quantity') }}
            else 0
        end as cut_off_usd,
        -- The money is divided by whole units, so that the calls' part exceeds their price by a fraction of a unit.
        case
            when is_bought_at_book and charged_quantity > traced_quantity then attributed_usd - priced_usd else 0
        end as whole_unit_usd
    from {{ ref('int_cutoff_matches') }}
    where {{ is_touched('usage_on', 'touched_day') }}

),

charged as (

    select
        response_key as call_key,
        -- A gateway's fee stands on its bill, and the call on another, where it is priced.
        own_key_provider is not null as is_fee,
        min(case when own_key_provider is not null then provider end) as fee_provider,
        min(case when own_key_provider is not null then account_id end) as fee_account_id,
        min(case when own_key_provider is not null then model end) as fee_model,
        sum(quantity) as quantity,
        sum(billed_usd) as billed_usd,
        min(charged_on) as usage_on,
        min(meter) as meter
    from {{ ref('int_charges') }}
    where
        response_key is not null
        and {{ is_wanted('response_key', 'calls', 'call_key') }}
        and {{ is_kept('charged_on') }}
    group by response_key, own_key_provider is not null

),

parts as (

    -- The bill's quantity stands for a call that it names; the export's own count shows as a quantity gap.
    select
        calls.started_on as read_on,
        charged.usage_on,
        coalesce(charged.fee_provider, calls.provider) as provider,
        case when charged.is_fee then charged.fee_account_id else calls.account_id end as account_id,
        case when charged.is_fee then charged.fee_model else calls.model end as model,
        charged.meter,
        sum(charged.billed_usd) as billed_usd,
        sum(case when charged.is_fee then 0 else calls.priced_usd end) as priced_usd,
        sum(charged.billed_usd) as attributed_usd,
        0 as {{ [
            'sampled_usd', 'idle_usd', 'overtraced_usd', 'timing_gap_usd', 'rounding_usd'
        ] | join(',\n        0 as ') }},
        coalesce(sum(case when not charged.is_fee then {{ floored_part(
            'calls.priced_usd', 'charged.quantity - calls.quantity', 'calls.quantity'
        ) }} end), 0) as quantity_gap_usd,
        sum(charged.quantity) as billed_quantity,
        sum(case when charged.is_fee then 0 else calls.quantity end) as traced_quantity,
        count(*) filter (where calls.priced_usd is null and calls.quantity > 0 and not charged.is_fee)
            as unpriced_calls,
        'response_id' as match_level
    from calls
    inner join charged on calls.call_key = charged.call_key
    where calls.is_in_bill or charged.is_fee
    group by
        calls.started_on, charged.usage_on, coalesce(charged.fee_provider, calls.provider),
        case when charged.is_fee then charged.fee_account_id else calls.account_id end,
        case when charged.is_fee then charged.fee_model else calls.model end, charged.meter

    union all

    select
        usage_on as read_on,
        usage_on,
        provider,
        account_id,
        model,
        meter,
        billed_usd,
        case when priced_usd is null then excluded_usd else priced_usd + coalesce(excluded_usd, 0) end as priced_usd,
        given_usd as attributed_usd,
        sampled_usd,
        0 as idle_usd,
        coalesce(taken_price_usd + cut_off_usd - priced_usd, 0) - coalesce(excluded_usd, 0) as overtraced_usd,
        given_usd - attributed_usd - coalesce(taken_price_usd - matched_price_usd, 0) as timing_gap_usd,
        rounding_usd,
        whole_unit_usd as quantity_gap_usd,
        billed_quantity,
        -- A total counts nothing: its calls meet it in dollars.
        case meter when 'total' then 0 else traced_quantity + excluded_quantity end as traced_quantity,
        cast(coalesce(priced_usd, excluded_usd) is null and traced_quantity + excluded_quantity > 0 as integer)
            as unpriced_calls,
        case when is_matched then match_level when shifted_quantity > 0 then 'adjacent_day' end as match_level
    from groups
    where not (is_provisional and charges = 0 and shifted_quantity = 0)

    union all

    -- Fees, taxes and credits; and own capacity, which no book prices, so that all that calls take is a price gap.
    select
        charged_on as read_on,
        charged_on as usage_on,
        provider,
        account_id,
        model,
        meter,
        billed_usd,
        0 as priced_usd,
        attributed_usd,
        sampled_usd,
        idle_usd,
        0 as {{ [
            'overtraced_usd', 'timing_gap_usd', 'rounding_usd', 'quantity_gap_usd'
        ] | join(',\n        0 as ') }},
        case when meter is null then 0 else quantity end as billed_quantity,
        0 as traced_quantity,
        0 as unpriced_calls,
        case when meter is not null then match_level end as match_level
    from {{ ref('int_charge_settlements') }}
    where (meter is null or treatment = 'own_capacity') and {{ is_touched('charged_on', 'touched_day') }}

)

select
    *,
    case when meter is null and billed_usd >= 0 then billed_usd else 0 end as invoice_only_usd,
    case when meter is null and billed_usd < 0 then billed_usd else 0 end as credit_usd,
    case when meter is null then 0 else billed_usd - attributed_usd - sampled_usd - idle_usd - rounding_usd end
        as untraced_usd
from parts
