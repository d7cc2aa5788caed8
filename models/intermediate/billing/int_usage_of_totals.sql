{{ config(materialized="kept", meta={"rebuilt_at_news_of": "bills"}) }}
with charges as (

    select * from {{ ref('int_charges') }}

),

totals as (

    select
        charge_id,
        provider,
        account_id,
        api_key,
        charged_on,
        billed_usd
    from charges
    where meter = 'total'

),

named as (

    {{ models_named('charges', 'totals') }}

),

counted as (

    select
        totals.charge_id,
        totals.billed_usd as total_usd,
        totals.provider,
        totals.account_id,
        coalesce(totals.api_key, usage.api_key) as api_key,
        usage.api_key as usage_key,
        totals.charged_on,
        usage.model,
        usage.meter,
        usage.price_tier,
        usage.context_side,
        usage.context_limit,
        usage.inference_geo,
        usage.call_meter,
        case when usage.context_side = 'long' then coalesce(usage.context_limit, 200000) + 1 else 0 end
            as long_context_tokens,
        cast(sum(usage.quantity) as bigint) as quantity
    from totals
    inner join {{ ref('int_usage_counts') }} as usage
        on
            totals.provider = usage.provider
            and (totals.account_id = usage.account_id or usage.is_account_unknown)
            and totals.charged_on = usage.usage_on
            and coalesce(totals.api_key = usage.api_key, true)
    left join named
        on
            totals.provider = named.provider
            and totals.account_id = named.account_id
            and totals.charged_on = named.charged_on
            and usage.model = named.model
    where
        usage.model is not null and usage.quantity > 0 and named.is_named is null
        and not {{ is_billed_apart('usage.provider', 'usage.price_tier') }}
    group by
        totals.charge_id, totals.billed_usd, totals.provider, totals.account_id,
        coalesce(totals.api_key, usage.api_key), usage.api_key, totals.charged_on, usage.model, usage.meter,
        usage.price_tier, usage.context_side, usage.context_limit, usage.inference_geo, usage.call_meter

)

select
    {{ all_but('', ['usage_key', 'total_usd', 'quantity']) }},
    -- Several totals for the same usage share it by amount.
    cast({{ whole_quotient(
        whole_number('quantity') ~ ' * ' ~ whole_number('total_usd * 1000000'),
        "nullif(" ~ whole_number("sum(total_usd * 1000000) over same") ~ ", 0)"
    ) }} as bigint) as quantity
from counted
window same as (
    partition by
        provider, account_id, usage_key, charged_on, model, meter, price_tier, context_side, context_limit,
        inference_geo
)
