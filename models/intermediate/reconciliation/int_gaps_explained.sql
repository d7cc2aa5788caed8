-- one row per side of a meeting of bill and calls: matched by response id, by group, or seen by one side only
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
        min(meter) as meter
    from charges
    where call_id is not null
    group by call_id

),

by_call as (

    -- The bill's quantity stands for a call that it names; the export's own count shows as a quantity gap.
    -- A call that the bill does not know is over-traced.
    select
        coalesce(charged_calls.usage_on, calls.started_on) as usage_on,
        calls.provider,
        calls.account_id,
        calls.model,
        coalesce(charged_calls.meter, families.billed_meter) as meter,
        coalesce(charged_calls.billed_usd, 0) as billed_usd,
        coalesce(calls.priced_usd, 0) as priced_usd,
        coalesce(charged_calls.billed_usd, 0) as attributed_usd,
        0 as untraced_usd,
        case when charged_calls.call_id is null then -coalesce(calls.priced_usd, 0) else 0 end as overtraced_usd,
        case
            when charged_calls.quantity = calls.quantity then 0
            else coalesce(
                {{ floored_part('calls.priced_usd', 'charged_calls.quantity - calls.quantity', 'calls.quantity') }}, 0
            )
        end as quantity_gap_usd,
        coalesce(charged_calls.quantity, 0) as billed_quantity,
        calls.quantity as traced_quantity,
        case when charged_calls.call_id is not null then 1 end as level_no,
        case when calls.priced_usd is null then 1 else 0 end as unpriced_calls
    from calls
    left join charged_calls on calls.call_id = charged_calls.call_id
    left join families on calls.provider = families.provider
    where calls.match_level in ('response_id', 'none')

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

parts as (

    select * from by_call
    union all
    select * from by_group

)

select * from parts
