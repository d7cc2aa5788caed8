-- one row per group of usage that no bill covers: what no call explains of it, at the price book
{{ replaces_touched("usage_on", by="touched_day") }}
with usage as (

    select
        {{ all_but('unbilled', ['price_tier']) }},
        coalesce(unbilled.price_tier, 'standard') as price_tier,
        prices.list_price_usd,
        prices.unit_price_usd,
        cast(sum(unbilled.quantity) over (
            partition by unbilled.provider, unbilled.usage_on, unbilled.model, unbilled.meter
        ) as bigint) as total_quantity
    from {{ ref('int_usage_unbilled') }} as unbilled
    left join {{ ref('int_unit_prices_negotiated') }} as prices
        on
            unbilled.provider = prices.provider
            and unbilled.account_id is not distinct from prices.account_id
            and unbilled.model = prices.model
            and unbilled.call_meter = prices.meter
            and coalesce(unbilled.price_tier, 'standard') = prices.service_tier
            and unbilled.usage_on = prices.priced_on
            and prices.long_context_tokens = 0 and prices.priced_time is null and prices.tool_meter is null
            and prices.inference_geo is null
    where {{ is_touched('unbilled.usage_on', 'touched_day') }}

),

families as (

    select * from {{ ref('meter_families') }}

),

traced as (

    select
        calls.provider,
        calls.started_on,
        calls.model,
        families.billed_meter as meter,
        cast(sum(meters.quantity) as bigint) as quantity
    from {{ ref('int_calls_billed') }} as calls
    inner join {{ ref('int_meters_priced') }} as meters on calls.call_key = meters.call_key
    inner join families on calls.provider = families.provider and meters.meter = families.call_meter
    where not calls.is_in_bill
    group by calls.provider, calls.started_on, calls.model, families.billed_meter

),

untraced as (

    select
        usage.*,
        greatest(usage.total_quantity - coalesce(traced.quantity, 0), 0) as untraced_quantity
    from usage
    left join traced
        on
            usage.provider = traced.provider
            and usage.usage_on = traced.started_on
            and usage.model = traced.model
            and usage.meter = traced.meter

)

select
    untraced.usage_group_id,
    untraced.provider,
    untraced.account_id,
    untraced.api_key,
    untraced.usage_on,
    untraced.model,
    untraced.meter,
    untraced.price_tier,
    untraced.list_price_usd,
    untraced.unit_price_usd,
    untraced.quantity,
    untraced.untraced_quantity,
    -- NULL where the book knows no price.
    {{ floored_part(
        money('untraced.quantity * untraced.unit_price_usd'), 'untraced.untraced_quantity', 'untraced.total_quantity'
    ) }} as untraced_usd,
    coalesce(keys.owner_team_id, 'unattributed') as payer_team_id
from untraced
left join {{ ref('int_keys_owned') }} as keys
    on
        untraced.provider = keys.provider
        and untraced.account_id = keys.account_id
        and untraced.api_key is not distinct from keys.api_key
        and untraced.usage_on = keys.used_on
