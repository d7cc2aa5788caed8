-- one row per FOCUS row: a team's part of a day's charge for a SKU, for one feature; or an adjustment between teams
-- noqa: disable=CP02,AL09
-- The columns' names are FOCUS's.
{% set columns = [
    'origin_charge_id', 'posted_month', 'charged_on', 'provider', 'account_id', 'bill_account_id', 'api_key', 'model',
    'feature_id', 'bearer_team_id', 'payer_team_id', 'purpose', 'basis', 'method', 'share', 'charge_category',
    'is_correction', 'description', 'service_name', 'sku', 'sku_id', 'sku_meter', 'price_tier', 'price_basis', 'unit',
    'use_quantity', 'pricing_unit', 'pricing_quantity', 'list_unit_price', 'contracted_unit_price', 'invoice_no',
    'billed_usd', 'effective_usd', 'list_usd', 'contracted_usd'
] %}
with charges as (

    select
        {{ columns | join(',\n        ') }}
    from {{ ref('int_charges_described') }}

    union all

    {{ ledger_moves(columns) }}

),

tagged as (

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
from tagged
