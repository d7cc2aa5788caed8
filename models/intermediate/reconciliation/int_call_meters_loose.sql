-- one row per call that no response id matched and billed meter, inside a bill's time: what it could be billed for
with calls as (

    select
        calls.call_key,
        calls.call_id,
        calls.provider,
        windowed.account_id,
        calls.api_key,
        calls.started_on as usage_on,
        calls.model,
        calls.is_answered,
        calls.stated_tier,
        calls.stated_geo,
        calls.context_tokens,
        calls.is_summed,
        windowed.is_provisional and totalled.call_key is null as is_provisional
    from {{ ref('int_calls_priced') }} as calls
    inner join {{ ref('int_calls_windowed') }} as windowed on calls.call_key = windowed.call_key
    left join {{ ref('int_calls_totalled') }} as totalled on calls.call_key = totalled.call_key
    where windowed.is_in_bill and not calls.is_on_bill

),

metered as (

    select
        calls.call_key,
        calls.provider,
        calls.usage_on,
        calls.model,
        meters.meter as call_meter,
        meters.quantity,
        meters.priced_usd
    from calls
    inner join {{ ref('int_meters_priced') }} as meters on calls.call_key = meters.call_key

),

charges as (

    select distinct
        provider,
        account_id,
        charged_on,
        model,
        meter
    from {{ ref('int_charges_called') }}
    where call_id is null and meter is not null

),

billed as (

    select distinct
        provider,
        charged_on as usage_on,
        model,
        meter
    from charges
    where meter != 'total'

),

meters as (

    {{ meters_billed('metered', 'billed', 'usage_on') }}

),

counted as (

    select
        metered.call_key,
        coalesce(meters.billed_meter, metered.call_meter) as meter,
        sum(metered.quantity) as quantity,
        sum(metered.priced_usd) as priced_usd
    from metered
    left join meters
        on
            metered.provider = meters.provider
            and metered.usage_on = meters.usage_on
            and metered.model is not distinct from meters.model
            and metered.call_meter = meters.call_meter
    group by metered.call_key, coalesce(meters.billed_meter, metered.call_meter)

),

-- Calls that no charge names are a part of the day's total, if the bill has one that no usage file parts.
totalled as (

    select
        calls.call_key,
        counted.meter
    from counted
    inner join calls on counted.call_key = calls.call_key
    inner join charges as totals
        on
            totals.meter = 'total'
            and calls.provider = totals.provider
            and calls.usage_on = totals.charged_on
            and coalesce(calls.account_id = totals.account_id, true)
    left join charges as named
        on
            totals.provider = named.provider
            and totals.account_id = named.account_id
            and totals.charged_on = named.charged_on
            and calls.model = named.model
            and counted.meter = named.meter
    where not {{ is_billed_apart('calls.provider', 'calls.stated_tier') }}
    group by calls.call_key, counted.meter
    having count(named.meter) = 0

),

-- A total is matched in what calls cost by the book, in billionths of a dollar.
valued as (

    select
        calls.*,
        sum(counted.priced_usd) as total_usd,
        sum(counted.quantity) as counted_quantity
    from totalled
    inner join counted on totalled.call_key = counted.call_key and totalled.meter = counted.meter
    inner join calls on counted.call_key = calls.call_key
    group by
        calls.call_key, calls.call_id, calls.provider, calls.account_id, calls.api_key, calls.usage_on, calls.model,
        calls.is_answered, calls.stated_tier, calls.stated_geo, calls.context_tokens, calls.is_summed,
        calls.is_provisional

)

select
    {{ all_but('calls', ['model']) }},
    calls.model,
    counted.meter,
    counted.quantity,
    counted.priced_usd
from counted
inner join calls on counted.call_key = calls.call_key
left join totalled on counted.call_key = totalled.call_key and counted.meter = totalled.meter
where totalled.call_key is null

union all

select
    {{ all_but('valued', ['model', 'total_usd', 'counted_quantity']) }},
    null as model,
    'total' as meter,
    -- Calls without a price take nothing beside others that have one, and what there is where none has.
    cast(case
        when max(total_usd) over (partition by provider, usage_on) > 0 then floor(coalesce(total_usd, 0) * 1000000000)
        else counted_quantity
    end as bigint) as quantity,
    total_usd as priced_usd
from valued
