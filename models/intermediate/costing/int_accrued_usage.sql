{{ replaces_touched("usage_on", by="touched_day") }}
{# Use that a bill covers stands apart: what it would accrue without the bill is what accruals are judged by. #}
{% set group = ['provider', 'account_id', 'api_key', 'usage_on', 'model', 'meter', 'price_tier'] %}
with usage_groups as (

    select
        {{ entry_key(group) }} as usage_group_id,
        is_unbilled,
        {{ group | join(',\n        ') }},
        call_meter,
        cast(sum(quantity) as bigint) as quantity
    from {{ ref('int_usage_counts') }}
    where (is_unbilled or is_billed) and {{ is_touched('usage_on', 'touched_day') }}
    group by is_unbilled, {{ group | join(', ') }}, call_meter

),

counted_usage as (

    select
        {{ all_but('counted', ['price_tier']) }},
        counted.price_tier as stated_tier,
        coalesce(counted.price_tier, 'standard') as price_tier,
        prices.list_price_usd,
        prices.unit_price_usd,
        prices.month_end_price_usd
    from usage_groups as counted
    left join {{ ref('int_unit_prices') }} as prices
        on
            counted.provider = prices.provider
            and counted.account_id is not distinct from prices.account_id
            and counted.model = prices.model
            and counted.call_meter = prices.meter
            and coalesce(counted.price_tier, 'standard') = prices.service_tier
            and counted.usage_on = prices.priced_on
            and prices.long_context_tokens = 0 and prices.priced_time is null and prices.tool_meter is null
            and prices.inference_geo is null

),

families as (

    select * from {{ ref('meter_families') }}

),

counted_days as (

    select distinct
        is_unbilled,
        provider,
        usage_on
    from usage_groups

),

traced_per_tier as (

    select
        days.is_unbilled,
        calls.provider,
        calls.started_on,
        calls.model,
        providers.stated_tier,
        families.billed_meter as meter,
        cast(sum(meters.quantity) as bigint) as quantity,
        {{ sum_of_unseen(unseen_quantity('meters.quantity', 'sampled.adjusted_count')) }} as unseen_quantity
    from {{ ref('int_call_costs') }} as calls
    inner join counted_days as days
        on
            calls.provider = days.provider
            and calls.started_on = days.usage_on
            and calls.is_in_bill != days.is_unbilled
    inner join {{ ref('int_call_providers') }} as providers on calls.call_key = providers.call_key
    inner join {{ ref('int_usage_items') }} as meters on calls.call_key = meters.call_key
    inner join families on calls.provider = families.provider and meters.meter = families.call_meter
    left join {{ ref('int_sampled_calls') }} as sampled on calls.call_key = sampled.call_key
    where not calls.is_represented
    group by
        days.is_unbilled, calls.provider, calls.started_on, calls.model, providers.stated_tier, families.billed_meter

),

traced_usage as (

    select
        is_unbilled,
        provider,
        started_on,
        model,
        meter,
        cast(sum(quantity) as bigint) as quantity,
        {{ sum_of_unseen('unseen_quantity') }} as unseen_quantity
    from traced_per_tier
    group by is_unbilled, provider, started_on, model, meter

),

-- Calls that state a tier explain usage of that tier first.
tier_usage as (

    select
        usage.is_unbilled,
        usage.provider,
        usage.usage_on,
        usage.model,
        usage.meter,
        usage.stated_tier,
        cast(sum(usage.quantity) as bigint) as tier_quantity,
        least(cast(sum(usage.quantity) as bigint), coalesce(max(traced.quantity), 0)) as own_quantity
    from counted_usage as usage
    left join traced_per_tier as traced
        on
            usage.is_unbilled = traced.is_unbilled
            and usage.provider = traced.provider
            and usage.usage_on = traced.started_on
            and usage.model = traced.model
            and usage.meter = traced.meter
            and usage.stated_tier = traced.stated_tier
    group by usage.is_unbilled, usage.provider, usage.usage_on, usage.model, usage.meter, usage.stated_tier

),

unexplained_usage as (

    select
        *,
        cast(sum(tier_quantity - own_quantity) over same_meter as bigint) as left_quantity,
        cast(sum(own_quantity) over same_meter as bigint) as all_own_quantity
    from tier_usage
    window same_meter as (partition by is_unbilled, provider, usage_on, model, meter)

),

-- The other calls explain what is left of all tiers.
untraced_usage as (

    select
        usage.*,
        tiers.tier_quantity,
        tiers.tier_quantity - tiers.own_quantity as tier_left_quantity,
        tiers.left_quantity,
        coalesce(traced.unseen_quantity, 0) as unseen_quantity,
        greatest(
            tiers.left_quantity - greatest(coalesce(traced.quantity, 0) - tiers.all_own_quantity, 0), 0
        ) as untraced_quantity
    from counted_usage as usage
    inner join unexplained_usage as tiers
        on
            usage.is_unbilled = tiers.is_unbilled
            and usage.provider = tiers.provider
            and usage.usage_on = tiers.usage_on
            and usage.model = tiers.model
            and usage.meter = tiers.meter
            and usage.stated_tier is not distinct from tiers.stated_tier
    left join traced_usage as traced
        on
            usage.is_unbilled = traced.is_unbilled
            and usage.provider = traced.provider
            and usage.usage_on = traced.started_on
            and usage.model = traced.model
            and usage.meter = traced.meter

),

priced_usage as (

    select
        *,
        -- NULL if the book has no price.
        case
            when untraced_quantity = 0 then {{ money('unit_price_usd * 0') }}
            else {{ floored_part(floored_part(
                money('quantity * unit_price_usd'), 'tier_left_quantity', 'tier_quantity'
            ), 'untraced_quantity', 'left_quantity') }}
        end as beyond_calls_usd,
        case
            when untraced_quantity = 0 then {{ money('month_end_price_usd * 0') }}
            else {{ floored_part(floored_part(
                money('quantity * month_end_price_usd'), 'tier_left_quantity', 'tier_quantity'
            ), 'untraced_quantity', 'left_quantity') }}
        end as month_end_usd
    from untraced_usage

),

-- Calls that a sampler kept stand for as much of it as those that it dropped.
sampled_usage as (

    select
        *,
        coalesce({{ floored_part(
            'beyond_calls_usd', 'least(unseen_quantity, untraced_quantity)', 'untraced_quantity'
        ) }}, 0) as sampled_usd
    from priced_usage

)

select
    untraced.usage_group_id,
    untraced.is_unbilled,
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
    untraced.month_end_usd,
    untraced.sampled_usd,
    {{ money('untraced.beyond_calls_usd - untraced.sampled_usd') }} as untraced_usd,
    coalesce(keys.owner_team_id, 'unattributed') as payer_team_id
from sampled_usage as untraced
left join {{ ref('int_api_key_owners') }} as keys
    on
        untraced.provider = keys.provider
        and untraced.account_id = keys.account_id
        and untraced.api_key is not distinct from keys.api_key
        and untraced.usage_on = keys.used_on
