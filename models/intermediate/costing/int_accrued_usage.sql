{{ replaces_touched("usage_on", by="touched_day") }}
{% set group = ['provider', 'account_id', 'api_key', 'usage_on', 'model', 'meter', 'price_tier'] %}
with unbilled_groups as (

    select
        {{ entry_key(group) }} as usage_group_id,
        {{ group | join(',\n        ') }},
        call_meter,
        cast(sum(quantity) as bigint) as quantity
    from {{ ref('int_usage_counts') }}
    where is_unbilled and {{ is_touched('usage_on', 'touched_day') }}
    group by {{ group | join(', ') }}, call_meter

),

unbilled_usage as (

    select
        {{ all_but('unbilled', ['price_tier']) }},
        unbilled.price_tier as stated_tier,
        coalesce(unbilled.price_tier, 'standard') as price_tier,
        prices.list_price_usd,
        prices.unit_price_usd
    from unbilled_groups as unbilled
    left join {{ ref('int_unit_prices') }} as prices
        on
            unbilled.provider = prices.provider
            and unbilled.account_id is not distinct from prices.account_id
            and unbilled.model = prices.model
            and unbilled.call_meter = prices.meter
            and coalesce(unbilled.price_tier, 'standard') = prices.service_tier
            and unbilled.usage_on = prices.priced_on
            and prices.long_context_tokens = 0 and prices.priced_time is null and prices.tool_meter is null
            and prices.inference_geo is null

),

families as (

    select * from {{ ref('meter_families') }}

),

traced_per_tier as (

    select
        calls.provider,
        calls.started_on,
        calls.model,
        providers.stated_tier,
        families.billed_meter as meter,
        cast(sum(meters.quantity) as bigint) as quantity
    from {{ ref('int_call_costs') }} as calls
    inner join {{ ref('int_call_providers') }} as providers on calls.call_key = providers.call_key
    inner join {{ ref('int_usage_items') }} as meters on calls.call_key = meters.call_key
    inner join families on calls.provider = families.provider and meters.meter = families.call_meter
    where not calls.is_in_bill
    group by calls.provider, calls.started_on, calls.model, providers.stated_tier, families.billed_meter

),

traced_usage as (

    select
        provider,
        started_on,
        model,
        meter,
        cast(sum(quantity) as bigint) as quantity
    from traced_per_tier
    group by provider, started_on, model, meter

),

-- Calls that state a tier explain usage of that tier first.
tier_usage as (

    select
        usage.provider,
        usage.usage_on,
        usage.model,
        usage.meter,
        usage.stated_tier,
        cast(sum(usage.quantity) as bigint) as tier_quantity,
        least(cast(sum(usage.quantity) as bigint), coalesce(max(traced.quantity), 0)) as own_quantity
    from unbilled_usage as usage
    left join traced_per_tier as traced
        on
            usage.provider = traced.provider
            and usage.usage_on = traced.started_on
            and usage.model = traced.model
            and usage.meter = traced.meter
            and usage.stated_tier = traced.stated_tier
    group by usage.provider, usage.usage_on, usage.model, usage.meter, usage.stated_tier

),

unexplained_usage as (

    select
        *,
        cast(sum(tier_quantity - own_quantity) over same_meter as bigint) as left_quantity,
        cast(sum(own_quantity) over same_meter as bigint) as all_own_quantity
    from tier_usage
    window same_meter as (partition by provider, usage_on, model, meter)

),

-- The other calls explain what is left of all tiers.
untraced_usage as (

    select
        usage.*,
        tiers.tier_quantity,
        tiers.tier_quantity - tiers.own_quantity as tier_left_quantity,
        tiers.left_quantity,
        greatest(
            tiers.left_quantity - greatest(coalesce(traced.quantity, 0) - tiers.all_own_quantity, 0), 0
        ) as untraced_quantity
    from unbilled_usage as usage
    inner join unexplained_usage as tiers
        on
            usage.provider = tiers.provider
            and usage.usage_on = tiers.usage_on
            and usage.model = tiers.model
            and usage.meter = tiers.meter
            and usage.stated_tier is not distinct from tiers.stated_tier
    left join traced_usage as traced
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
    -- NULL if the book has no price.
    case
        when untraced.untraced_quantity = 0 then {{ money('untraced.unit_price_usd * 0') }}
        else {{ floored_part(
            floored_part(
                money('untraced.quantity * untraced.unit_price_usd'), 'untraced.tier_left_quantity',
                'untraced.tier_quantity'
            ),
            'untraced.untraced_quantity', 'untraced.left_quantity'
        ) }}
    end as untraced_usd,
    coalesce(keys.owner_team_id, 'unattributed') as payer_team_id
from untraced_usage as untraced
left join {{ ref('int_api_key_owners') }} as keys
    on
        untraced.provider = keys.provider
        and untraced.account_id = keys.account_id
        and untraced.api_key is not distinct from keys.api_key
        and untraced.usage_on = keys.used_on
