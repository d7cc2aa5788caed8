-- one row per side of a meeting of bill and calls: matched by response id, by group, or seen by one side only
with calls as (

    select * from {{ ref('int_calls_billed') }}
    where is_in_bill

),

groups as (

    select * from {{ ref('int_charge_groups_matched') }}

),

charged_calls as (

    select
        call_id,
        sum(quantity) as quantity,
        sum(billed_usd) as billed_usd,
        min(charged_on) as usage_on,
        min(meter) as meter
    from {{ ref('int_charges_settled') }}
    where call_id is not null
    group by call_id

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
        coalesce({{ floored_part('calls.priced_usd', 'charged_calls.quantity - calls.quantity', 'calls.quantity') }}, 0)
            as quantity_gap_usd,
        charged_calls.quantity as billed_quantity,
        calls.quantity as traced_quantity,
        1 as level_no
    from calls
    inner join charged_calls on calls.call_id = charged_calls.call_id

),

by_group as (

    select
        usage_on,
        provider,
        account_id,
        model,
        meter,
        billed_usd,
        priced_usd,
        attributed_usd,
        {{ floored_part('priced_usd', 'matched_quantity', 'traced_quantity') }} - priced_usd as overtraced_usd,
        0 as quantity_gap_usd,
        billed_quantity,
        traced_quantity,
        case when is_matched then 2 end as level_no
    from groups

),

-- Calls in a bill's time that no charge met, neither by id nor by group.
overtraced as (

    select
        meters.started_on as usage_on,
        meters.provider,
        meters.account_id,
        meters.model,
        meters.meter,
        0 as billed_usd,
        meters.priced_usd,
        0 as attributed_usd,
        -meters.priced_usd as overtraced_usd,
        0 as quantity_gap_usd,
        0 as billed_quantity,
        meters.quantity as traced_quantity,
        cast(null as integer) as level_no
    from {{ ref('int_call_meters_grouped') }} as meters
    left join groups
        on
            meters.provider = groups.provider
            and meters.account_id = groups.account_id
            and meters.started_on = groups.usage_on
            and meters.model = groups.model
            and meters.meter = groups.meter
            and not (groups.is_identified and meters.response_id is not null)
    where groups.provider is null

),

parts as (

    select * from by_response
    union all
    select * from by_group
    union all
    select * from overtraced

)

select
    *,
    -- What names no meter names no use: fees and taxes, and credits where it is negative.
    case when meter is null and billed_usd >= 0 then billed_usd else 0 end as invoice_only_usd,
    case when meter is null and billed_usd < 0 then billed_usd else 0 end as credit_usd,
    case when meter is null then 0 else billed_usd - attributed_usd end as untraced_usd
from parts
