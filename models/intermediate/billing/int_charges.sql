{{ config(materialized="kept", meta={"rebuilt_at_news_of": "bills"}) }}
with charges as (

    select
        {{ all_but('', ['treatment', 'meter', 'response_id', 'driver_id', 'quantity']) }},
        -- A line of own capacity counts whatever it charges for; any other, tokens and requests.
        case when treatment = 'own_capacity' then coalesce(billed_units, quantity) else quantity end as quantity,
        case when treatment = 'own_capacity' then driver_id end as driver_id,
        case when treatment != 'own_capacity' then response_id end as response_id,
        -- A total of nothing, and one that takes back more than it charges, is no sum of a day's calls.
        case when meter = 'total' and cost_usd <= 0 then 'invoice_only' else treatment end as treatment,
        case when meter = 'total' and cost_usd <= 0 then null else meter end as meter,
        {{ days_between('charged_on', 'ended_on') }} + 1 as days
    from {{ ref('int_classified_charges') }}
    where treatment in ('call', 'shared', 'invoice_only', 'own_capacity') and billed_usd is not null

),

periods as (

    select
        charged_on,
        ended_on,
        {{ each_day('charged_on', 'ended_on') }} as day
    from (select distinct
        charged_on,
        ended_on
    from charges) as stretches

),

-- A charge over several days is borne day by day; the first takes what the division leaves.
spread as (

    select
        charges.*,
        periods.day,
        periods.day = charges.charged_on as is_first_day,
        {{ floored_part('charges.cost_usd', '1', 'charges.days') }} as part_usd,
        cast(round(coalesce(charges.quantity, 0)) as bigint) as whole_quantity,
        -- Tokens, requests or milliseconds that the line can serve, in thousandths. What is bought ahead or credited
        -- serves none.
        case
            when coalesce(charges.category, 'usage') != 'usage' then null
            when charges.quantity * charges.capacity_per_unit >= 1000000000000000 then 1000000000000000000
            else cast(round(charges.quantity * charges.capacity_per_unit * 1000) as bigint)
        end as whole_capacity,
        -- Calls share a line of own capacity month by month, over those of its days that are in the month.
        greatest(charges.charged_on, cast(date_trunc('month', periods.day) as date)) as used_from,
        least(charges.ended_on, cast(last_day(periods.day) as date)) as used_to
    from charges
    inner join periods on charges.charged_on = periods.charged_on and charges.ended_on = periods.ended_on

),

grouped as (

    select
        *,
        case when driver_id is not null then {{ entry_key(['driver_id', 'used_from', 'used_to']) }} end
            as driver_group_id,
        {{ whole_quotient('whole_capacity', 'days') }}
        + case when is_first_day then whole_capacity % days else 0 end as driver_capacity
    from spread

),

capacities as (

    select
        driver_group_id,
        sum(driver_capacity) as group_capacity
    from grouped
    where driver_group_id is not null
    group by driver_group_id

),

-- A credit of a model goes where most of the model's money went that day.
most as (

    select
        provider,
        account_id,
        day,
        model,
        max_by(meter, (part_usd, meter)) as meter
    from spread
    where (provider, account_id, model) in (
        select
            credits.provider,
            credits.account_id,
            credits.model
        from spread as credits
        where credits.meter is null
    )
    group by provider, account_id, day, model

)

select
    -- A call's charge keeps its name in whatever file it stands.
    case
        when spread.response_id is not null then spread.provider || ':' || spread.response_id
        when spread.days = 1 then spread.line_id
        else spread.line_id || ':' || cast(spread.day as string)
    end as charge_id,
    spread.line_id,
    -- Lines that say the same of a day are one charge to whoever reads the bill: a bill may have a line per call.
    {{ entry_key([
        "coalesce(spread.driver_group_id || ':', '') || spread.kind_id", 'spread.account_id',
        'spread.bill_account_id', 'spread.api_key', 'spread.day', 'spread.model',
        'spread.meter', 'spread.price_tier', 'spread.invoice_id', 'spread.tags'
    ]) }} as origin_charge_id,
    spread.kind_id,
    spread.invoice_id,
    spread.provider,
    spread.account_id,
    spread.bill_account_id,
    spread.api_key,
    spread.tags,
    spread.own_key_provider,
    spread.own_key_usd,
    spread.file_kind,
    spread.treatment,
    spread.day as charged_on,
    spread.response_id,
    {{ row_key('spread.response_id') }} as response_key,
    spread.model,
    coalesce(
        spread.meter,
        case when spread.treatment = 'call' then coalesce(most.meter, 'tokens') end
    ) as meter,
    spread.price_tier,
    spread.context_side,
    spread.context_limit,
    spread.inference_geo,
    spread.is_rounded,
    spread.driver_id,
    spread.driver_group_id,
    case when spread.driver_id is not null then spread.used_from end as used_from,
    case when spread.driver_id is not null then spread.used_to end as used_to,
    {{ whole_quotient('spread.whole_quantity', 'spread.days') }}
    + case when spread.is_first_day then spread.whole_quantity % spread.days else 0 end as quantity,
    spread.driver_capacity,
    capacities.group_capacity,
    {{ money('''spread.part_usd
    + case when spread.is_first_day then spread.cost_usd - spread.part_usd * spread.days else 0 end''') }} as billed_usd,
    {{ money('''case when spread.is_first_day then spread.billed_usd - spread.cost_usd + spread.part_usd * spread.days
    else 0 end - spread.part_usd''') }} as prepaid_usd
from grouped as spread
left join capacities on spread.driver_group_id = capacities.driver_group_id
left join most
    on
        spread.provider = most.provider
        and spread.account_id = most.account_id
        and spread.day = most.day
        and spread.model = most.model
