-- one row per day, provider, account, model and meter of a bill: billed against priced, and every cause of the gap
with charges as (

    select * from {{ ref('int_charges_settled') }}

),

calls as (

    select * from {{ ref('int_calls_billed') }}
    where is_in_bill

),

groups as (

    select * from {{ ref('int_charge_groups_matched') }}

),

families as (

    select distinct
        provider,
        billed_meter
    from {{ ref('meter_families') }}

),

charged_calls as (

    select
        call_id,
        sum(quantity) as quantity,
        sum(billed_usd) as billed_usd,
        min(charged_on) as usage_on,
        min(account_id) as account_id,
        min(model) as model,
        min(meter) as meter
    from charges
    where call_id is not null
    group by call_id

),

by_response as (

    -- The bill's quantity stands for a call that it names; the export's own count shows as a quantity gap.
    select
        charged_calls.usage_on,
        calls.provider,
        charged_calls.account_id,
        charged_calls.model,
        charged_calls.meter,
        charged_calls.billed_usd,
        coalesce(calls.priced_usd, 0) as priced_usd,
        charged_calls.billed_usd as attributed_usd,
        0 as untraced_usd,
        0 as overtraced_usd,
        case
            when charged_calls.quantity = calls.quantity or coalesce(calls.quantity, 0) = 0 then 0
            else {{ floored_part('calls.priced_usd', 'charged_calls.quantity - calls.quantity', 'calls.quantity') }}
        end as quantity_gap_usd,
        charged_calls.quantity as billed_quantity,
        calls.quantity as traced_quantity,
        1 as level_no,
        case when calls.priced_usd is null then 1 else 0 end as unpriced_calls
    from charged_calls
    inner join calls on charged_calls.call_id = calls.call_id

),

by_group as (

    select
        usage_on,
        provider,
        account_id,
        model,
        meter,
        billed_usd,
        case when is_matched then coalesce(priced_usd, 0) else 0 end as priced_usd,
        attributed_usd,
        billed_usd - attributed_usd as untraced_usd,
        case
            when is_matched and traced_quantity > matched_quantity
                then -(
                    coalesce(priced_usd, 0)
                    - {{ floored_part('coalesce(priced_usd, 0)', 'matched_quantity', 'traced_quantity') }}
                )
            else 0
        end as overtraced_usd,
        0 as quantity_gap_usd,
        billed_quantity,
        traced_quantity,
        case when is_matched then 2 end as level_no,
        0 as unpriced_calls
    from groups

),

overtraced as (

    select
        calls.started_on as usage_on,
        calls.provider,
        calls.account_id,
        calls.model,
        families.billed_meter as meter,
        0 as billed_usd,
        coalesce(calls.priced_usd, 0) as priced_usd,
        0 as attributed_usd,
        0 as untraced_usd,
        -coalesce(calls.priced_usd, 0) as overtraced_usd,
        0 as quantity_gap_usd,
        0 as billed_quantity,
        calls.quantity as traced_quantity,
        cast(null as integer) as level_no,
        case when calls.priced_usd is null then 1 else 0 end as unpriced_calls
    from calls
    left join families on calls.provider = families.provider
    where calls.match_level = 'none'

),

parts as (

    select * from by_response
    union all
    select * from by_group
    union all
    select * from overtraced

)

select
    usage_on,
    provider,
    account_id,
    model,
    meter,
    {{ money('sum(billed_usd)') }} as billed_usd,
    {{ money('sum(priced_usd)') }} as priced_usd,
    {{ money('sum(attributed_usd)') }} as attributed_usd,
    {{ money('sum(untraced_usd)') }} as untraced_usd,
    {{ money('sum(overtraced_usd)') }} as overtraced_usd,
    {{ money('0') }} as invoice_only_usd,
    {{ money('0') }} as credit_usd,
    {{ money('0') }} as fx_gap_usd,
    {{ money('0') }} as rounding_usd,
    {{ money('sum(billed_usd - priced_usd - untraced_usd - overtraced_usd - quantity_gap_usd)') }} as price_gap_usd,
    {{ money('sum(quantity_gap_usd)') }} as quantity_gap_usd,
    {{ money('0') }} as timing_gap_usd,
    cast(sum(billed_quantity) as bigint) as billed_quantity,
    cast(sum(traced_quantity) as bigint) as traced_quantity,
    -- The coarsest level at which anything met; what met nothing stands in its own column.
    case max(level_no) when 1 then 'response_id' when 2 then 'account_day_model_meter' else 'none' end as match_level,
    cast(sum(unpriced_calls) as bigint) as unpriced_calls
from parts
group by usage_on, provider, account_id, model, meter
