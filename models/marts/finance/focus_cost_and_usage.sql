-- noqa: disable=CP02,AL09
-- The columns' names are FOCUS's.
{% set of_bills = "kind in ('bill', 'accrual', 'transfer', 'prepayment')" %}
{% set move = [
    'posted_month', 'corrects_month', 'incurred_on', 'provider', 'account_id', 'model', 'feature_id', 'payer_team_id',
    'purpose', 'basis', 'kind', 'team_id'
] %}
with allocations as (

    select
        *,
        -- Purchases are priced when they are paid, usage when it is used, taxes and credits as billed.
        case charge_category when 'usage' then effective_usd else billed_usd end as charged_usd,
        coalesce(quantity, 0) = 0 as is_uncounted,
        charge_category in ('usage', 'purchase') as has_sku
    from {{ ref('int_focus_allocations') }}

),

-- Charges without an invoice number are on the invoice of their account and day, if there is only one.
invoices_per_day as (

    select
        charges.provider,
        charges.account_id,
        charges.charged_on,
        charges.billed_amount < 0 as is_negative,
        min(matched.invoice_id) as invoice_id
    from {{ ref('int_invoice_charges') }} as matched
    inner join {{ ref('int_classified_charges') }} as charges on matched.line_id = charges.line_id
    group by charges.provider, charges.account_id, charges.charged_on, charges.billed_amount < 0
    having count(distinct matched.invoice_id) = 1

),

{{ meter_names() }},

described_allocations as (

    select
        allocations.*,
        sum(abs(allocations.charged_usd))
            over (partition by allocations.origin_charge_id, allocations.charge_category) as whole_usd,
        coalesce(allocations.invoice_id, invoices.invoice_id) as invoice_no,
        coalesce(meters.sku_meter, allocations.meter) as sku_meter,
        case when allocations.is_uncounted then 'Units' else coalesce(meters.unit, 'Units') end as unit,
        case when meters.unit = 'Tokens' and not allocations.is_uncounted then 1000000 else 1 end as priced_units,
        allocations.list_price_usd is not null and allocations.has_sku and not allocations.is_uncounted as is_in_book,
        case when allocations.has_sku then lower(
            allocations.provider || '/'
            || coalesce(
                allocations.model, allocations.sku, allocations.description, allocations.service_name, 'charges'
            )
            || coalesce('/' || allocations.meter, '')
        ) end as sku_id,
        -- A charge without a quantity is one unit, of which each allocation is a part. Refunds count backward.
        cast(case when allocations.charged_usd < 0 then -1 else 1 end as bigint)
        * case when allocations.is_uncounted then allocations.share else abs(allocations.quantity) end as use_quantity
    from allocations
    left join meters on allocations.meter = meters.meter
    left join invoices_per_day as invoices
        on
            allocations.basis = 'billed'
            and allocations.provider = invoices.provider
            and allocations.account_id = invoices.account_id
            and allocations.charged_on = invoices.charged_on
            and invoices.is_negative = (allocations.billed_usd < 0)

),

-- If the price book has no price, the unit price is what was charged per unit.
priced_allocations as (

    select
        *,
        cast(case priced_units when 1 then 1 else 0.000001 end as decimal(7, 6)) as price_unit,
        {% for price, name in [('list_price_usd', 'list_unit_price'), ('unit_price_usd', 'contracted_unit_price')] %}
            case
                when is_in_book then {{ money(price ~ ' * priced_units') }}
                when has_sku and is_uncounted then {{ money('whole_usd') }}
                when has_sku then {{ floored_part('abs(charged_usd)', 'priced_units', 'abs(use_quantity)') }}
            end as {{ name }}{% if not loop.last %},{% endif %}
        {% endfor %}
    from described_allocations

),

-- The ledger's movements beside the bills, and its corrections of closed months. A correction of a bill stands in the
-- month in which it is booked, and is taken from the month that it corrects. A retired month has its movements alone.
ledger_movements as (

    select
        {{ move | join(',\n        ') }},
        posted_month as billing_month,
        corrects_month is not null as is_correction,
        sum(case when basis = 'billed' or not {{ of_bills }} then amount_usd else 0 end) as billed_usd,
        sum(case account when 'ai_cost' then amount_usd else 0 end) as effective_usd
    from {{ ref('ledger_entries') }}
    where
        account in ('ai_cost', 'prepaid')
        and (corrects_month is not null or not {{ of_bills }} or not {{ is_kept('posted_month') }})
    group by {{ move | join(', ') }}
    having sum(amount_usd) != 0

    union all

    select
        {{ move | join(',\n        ') }},
        corrects_month as billing_month,
        true as is_correction,
        -sum(case when basis = 'billed' or not {{ of_bills }} then amount_usd else 0 end) as billed_usd,
        -sum(case account when 'ai_cost' then amount_usd else 0 end) as effective_usd
    from {{ ref('ledger_entries') }}
    where
        account in ('ai_cost', 'prepaid') and corrects_month is not null and {{ of_bills }}
        and {{ is_kept('corrects_month') }}
    group by {{ move | join(', ') }}
    having sum(amount_usd) != 0

),

charges as (

    select
        origin_charge_id,
        cast(date_trunc('month', charged_on) as date) as posted_month,
        charged_on,
        provider,
        account_id,
        bill_account_id,
        api_key,
        model,
        feature_id,
        bearer_team_id,
        payer_team_id,
        purpose,
        basis,
        method,
        share,
        charge_category,
        false as is_correction,
        coalesce(description, model || coalesce(', ' || sku_meter, '')) as description,
        service_name,
        sku,
        sku_id,
        case when has_sku then coalesce(sku_meter, 'Charges') end as sku_meter,
        coalesce(price_tier, 'standard') as price_tier,
        case when is_in_book then 'price_book' when has_sku then 'as_billed' end as price_basis,
        unit,
        {{ money('use_quantity') }} as use_quantity,
        case when not has_sku then null when priced_units = 1 then unit else '1000000 Tokens' end as pricing_unit,
        case when has_sku then {{ money('use_quantity * price_unit') }} end as pricing_quantity,
        {{ money('list_unit_price') }} as list_unit_price,
        {{ money('contracted_unit_price') }} as contracted_unit_price,
        invoice_no,
        billed_usd,
        effective_usd,
        {{ money("case when is_in_book then list_price_usd * use_quantity else charged_usd end") }} as list_usd,
        {{ money("case when is_in_book then unit_price_usd * use_quantity else charged_usd end") }} as contracted_usd
    from priced_allocations

    union all

    select
        {{ entry_key(["'moved'"] + move[:-1]) }} as origin_charge_id,
        billing_month as posted_month,
        incurred_on as charged_on,
        provider,
        account_id,
        null as bill_account_id,
        null as api_key,
        model,
        feature_id,
        team_id as bearer_team_id,
        payer_team_id,
        purpose,
        basis,
        kind as method,
        null as share,
        case
            when not is_correction or not {{ of_bills }} then 'adjustment'
            when kind = 'prepayment' then 'purchase'
            else 'usage'
        end
            as charge_category,
        is_correction,
        replace(kind, '_', ' ') as description,
        case kind when 'adjustment' then 'Chargeback adjustments' end as service_name,
        null as sku,
        null as sku_id,
        null as sku_meter,
        null as price_tier,
        null as price_basis,
        null as unit,
        null as use_quantity,
        null as pricing_unit,
        null as pricing_quantity,
        null as list_unit_price,
        null as contracted_unit_price,
        null as invoice_no,
        billed_usd,
        effective_usd,
        effective_usd as list_usd,
        effective_usd as contracted_usd
    from ledger_movements

),

tagged_charges as (

    select
        charges.*,
        catalog.name as feature_name,
        {{ json_of({
            'feature': 'charges.feature_id', 'purpose': 'charges.purpose', 'team': 'charges.bearer_team_id'
        }) }} as tags
    from charges
    left join {{ ref('feature_catalog') }} as catalog
        on charges.feature_id = catalog.feature_id and {{ in_force('catalog', 'charges.charged_on') }}

)

select
    {{ money('billed_usd') }} as BilledCost,
    coalesce(bill_account_id, account_id, 'unknown') as BillingAccountId,
    cast(null as string) as BillingAccountName,
    'USD' as BillingCurrency,
    cast(posted_month + interval 1 month as timestamp) as BillingPeriodEnd,
    cast(posted_month as timestamp) as BillingPeriodStart,
    upper(substr(charge_category, 1, 1)) || substr(charge_category, 2) as ChargeCategory,
    case when is_correction then 'Correction' end as ChargeClass,
    description as ChargeDescription,
    case charge_category when 'usage' then 'Usage-Based' else 'One-Time' end as ChargeFrequency,
    cast(charged_on + interval 1 day as timestamp) as ChargePeriodEnd,
    cast(charged_on as timestamp) as ChargePeriodStart,
    cast(null as string) as CommitmentDiscountStatus,
    case charge_category when 'usage' then use_quantity end as ConsumedQuantity,
    case charge_category when 'usage' then unit end as ConsumedUnit,
    {{ money('contracted_usd') }} as ContractedCost,
    contracted_unit_price as ContractedUnitPrice,
    {{ money('effective_usd') }} as EffectiveCost,
    invoice_no as InvoiceId,
    provider as InvoiceIssuerName,
    {{ money('list_usd') }} as ListCost,
    list_unit_price as ListUnitPrice,
    case when sku_id is not null then 'Standard' end as PricingCategory,
    'USD' as PricingCurrency,
    contracted_unit_price as PricingCurrencyContractedUnitPrice,
    {{ money('effective_usd') }} as PricingCurrencyEffectiveCost,
    list_unit_price as PricingCurrencyListUnitPrice,
    pricing_quantity as PricingQuantity,
    pricing_unit as PricingUnit,
    provider as ProviderName,
    provider as PublisherName,
    api_key as ResourceId,
    cast(null as string) as ResourceName,
    case when api_key is not null then 'API Key' end as ResourceType,
    'AI and Machine Learning' as ServiceCategory,
    coalesce(service_name, provider || ' API') as ServiceName,
    'Generative AI' as ServiceSubcategory,
    sku_id as SkuId,
    sku_meter as SkuMeter,
    case when sku_id is not null then {{ json_of({'x_Model': 'model', 'x_ServiceTier': 'price_tier'}) }} end
        as SkuPriceDetails,
    sku_id || '/' || price_tier as SkuPriceId,
    case when account_id != bill_account_id then account_id end as SubAccountId,
    case when account_id != bill_account_id then account_id end as SubAccountName,
    tags as Tags,
    -- As FOCUS 1.3 has it.
    '{"Elements":[' || case when share is not null then {{ json_of(
        {'UsageUnit': "coalesce(unit, 'Units')"}, {'AllocatedRatio': 'share', 'UsageQuantity': 'abs(use_quantity)'}
    ) }} end || ']}' as x_AllocatedMethodDetails,
    method as x_AllocatedMethodId,
    share as x_AllocatedRatio,
    feature_id as x_AllocatedResourceId,
    feature_name as x_AllocatedResourceName,
    tags as x_AllocatedTags,
    basis as x_Basis,
    feature_id as x_FeatureId,
    origin_charge_id as x_OriginChargeId,
    payer_team_id as x_PayerTeamId,
    posted_month as x_PostedMonth,
    price_basis as x_PriceBasis,
    sku as x_ProviderSku,
    purpose as x_Purpose,
    bearer_team_id as x_TeamId
from tagged_charges
