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
        windowed.is_provisional
    from {{ ref('int_calls_priced') }} as calls
    inner join {{ ref('int_calls_windowed') }} as windowed on calls.call_key = windowed.call_key
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

billed as (

    select distinct
        provider,
        charged_on,
        model,
        meter
    from {{ ref('int_charges_called') }}
    where call_id is null and meter is not null

),

families as (

    select * from {{ ref('meter_families') }}

),

-- A provider's meter may cover several of a call's; of those that do, one that the day's bill names.
meters as (

    {% call first_rows(
        partition_by="used.provider, used.usage_on, used.model, used.call_meter",
        order_by="(billed.meter is not null) desc, families.billed_meter = 'tokens', families.billed_meter"
    ) %}
        select
            used.provider,
            used.usage_on,
            used.model,
            used.call_meter,
            families.billed_meter
        from (select distinct
            provider,
            usage_on,
            model,
            call_meter
        from metered) as used
        left join families as own on used.provider = own.provider and used.call_meter = own.call_meter
        inner join families
            on
                families.provider is not distinct from own.provider
                and used.call_meter = families.call_meter
        left join billed
            on
                used.provider = billed.provider
                and used.usage_on = billed.charged_on
                and used.model = billed.model
                and families.billed_meter = billed.meter
    {% endcall %}

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

)

select
    calls.*,
    counted.meter,
    counted.quantity,
    counted.priced_usd
from counted
inner join calls on counted.call_key = calls.call_key
