{{ config(materialized="kept", meta={"rebuilt_at_news_of": "bills"}) }}
with usage as (

    select * from {{ ref('int_usage_counts') }}

),

windows as (

    select
        *,
        {{ distinct_over('account_id', 'provider') }} as accounts
    from {{ ref('int_billing_periods') }}

),

charged as (

    select distinct
        provider,
        account_id,
        charged_on,
        model,
        meter = 'total' as is_total
    from {{ ref('int_charges') }}
    where meter is not null

),

keyed as (

    select distinct
        provider,
        case when not is_account_unknown then account_id end as account_id,
        api_key,
        usage_on as day
    from usage

),

beyond as (

    {{ beyond_bills('keyed') | indent }}

),

-- Where the bill's newest day, which may still grow, has neither a charge of the model nor a total yet, its use is not
-- billed either.
-- Counts that name no account are billed where every account of the provider is.
billed as (

    select usage.usage_id
    from usage
    inner join windows
        on
            usage.provider = windows.provider
            and (usage.account_id = windows.account_id or usage.is_account_unknown)
            and usage.usage_on between cast(windows.covers_from as date) and cast(windows.covers_to as date)
    left join charged
        on
            windows.provider = charged.provider
            and windows.account_id = charged.account_id
            and usage.usage_on = charged.charged_on
            and (usage.model = charged.model or charged.is_total)
    left join beyond
        on
            usage.provider = beyond.provider
            and case when not usage.is_account_unknown then usage.account_id end is not distinct from beyond.account_id
            and usage.api_key = beyond.api_key
            and usage.usage_on = beyond.day
    where
        beyond.api_key is null
        and (
            charged.charged_on is not null
            or coalesce(usage.usage_on < cast(windows.provisional_from as date), true)
        )
    group by usage.usage_id
    having
        not bool_or(usage.is_account_unknown) or count(distinct windows.account_id) = min(windows.accounts)

),

families as (

    select
        provider,
        billed_meter,
        -- The meter of the same name, else any that it covers: they share a price.
        coalesce(max(case when call_meter = billed_meter then call_meter end), min(call_meter)) as call_meter
    from {{ ref('meter_families') }}
    group by provider, billed_meter

)

select
    {{ entry_key([
        'usage.provider', 'usage.account_id', 'usage.api_key', 'usage.usage_on', 'usage.model', 'usage.meter',
        'usage.price_tier'
    ]) }} as usage_group_id,
    usage.provider,
    usage.account_id,
    usage.api_key,
    usage.usage_on,
    usage.model,
    usage.meter,
    usage.price_tier,
    coalesce(families.call_meter, usage.meter) as call_meter,
    cast(sum(usage.quantity) as bigint) as quantity
from usage
left join billed on usage.usage_id = billed.usage_id
left join families on usage.provider = families.provider and usage.meter = families.billed_meter
where billed.usage_id is null
group by
    usage.provider, usage.account_id, usage.api_key, usage.usage_on, usage.model, usage.meter, usage.price_tier,
    coalesce(families.call_meter, usage.meter)
