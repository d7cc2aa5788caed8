{{ config(materialized="kept", meta={"rebuilt_at_news_of": "bills"}) }}
with usage as (

    select
        lines.line_id as usage_id,
        lines.provider,
        lines.account_id,
        lines.is_account_unknown,
        lines.api_key,
        lines.charged_on as usage_on,
        types.stated_model as model,
        coalesce(types.stated_meter, lines.meter_name) as meter,
        coalesce(types.stated_tier, lines.service_tier) as price_tier,
        {{ context_side('lines.sku') }} as context_side,
        {{ context_limit('lines.sku') }} as context_limit,
        case when lines.provider = 'anthropic' then {{ geo_named('lines.sku') }} end as inference_geo,
        cast(round(lines.quantity) as bigint) as quantity
    from {{ ref('int_bill_lines') }} as lines
    inner join {{ ref('int_bill_line_status') }} as status on lines.line_id = status.line_id
    inner join {{ ref('int_charge_types') }} as types on lines.kind_id = types.kind_id
    where lines.file_role = 'usage' and status.is_standing and lines.category = 'usage'

),

billing_periods as (

    select
        *,
        {{ distinct_over('account_id', 'provider') }} as accounts
    from {{ ref('int_billing_periods') }}

),

charged_models as (

    select distinct
        provider,
        account_id,
        charged_on,
        model,
        meter = 'total' as is_total
    from {{ ref('int_charges') }}
    where meter is not null

),

keys_in_use as (

    select distinct
        provider,
        case when not is_account_unknown then account_id end as account_id,
        api_key,
        usage_on as day
    from usage

),

unbilled_keys as (

    {{ beyond_bills('keys_in_use') | indent }}

),

-- The newest day of a bill may still grow. Usage of that day is unbilled if the bill has neither a charge of its model
-- nor a total for the day.
-- A count without an account is billed only if bills cover every account of the provider on that day.
billed_usage as (

    select usage.usage_id
    from usage
    inner join billing_periods as periods
        on
            usage.provider = periods.provider
            and (usage.account_id = periods.account_id or usage.is_account_unknown)
            and usage.usage_on between cast(periods.covers_from as date) and cast(periods.covers_to as date)
    left join charged_models as charged
        on
            periods.provider = charged.provider
            and periods.account_id = charged.account_id
            and usage.usage_on = charged.charged_on
            and (usage.model = charged.model or charged.is_total)
    left join unbilled_keys
        on
            usage.provider = unbilled_keys.provider
            and case when not usage.is_account_unknown then usage.account_id end
            is not distinct from unbilled_keys.account_id
            and usage.api_key = unbilled_keys.api_key
            and usage.usage_on = unbilled_keys.day
    where
        unbilled_keys.api_key is null
        and (
            charged.charged_on is not null
            or coalesce(usage.usage_on < cast(periods.provisional_from as date), true)
        )
    group by usage.usage_id
    having
        not bool_or(usage.is_account_unknown) or count(distinct periods.account_id) = min(periods.accounts)

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
    usage.*,
    coalesce(families.call_meter, usage.meter) as call_meter,
    billed_usage.usage_id is null and {{ is_kept('usage.usage_on') }} as is_unbilled,
    billed_usage.usage_id is not null and {{ is_kept('usage.usage_on') }} as is_billed
from usage
left join billed_usage on usage.usage_id = billed_usage.usage_id
left join families on usage.provider = families.provider and usage.meter = families.billed_meter
