-- noqa: disable=CP02
-- FOCUS: a price times its quantity is the cost, and what is used or bought has a SKU, a price and a quantity. Its
-- validator asks that of rows whose ChargeClass is not "Correction", which to SQL no row without a class is.
with rows_of_focus as (

    select
        *,
        ChargeCategory in ('Usage', 'Purchase') and ChargeClass is null as has_price
    from {{ ref('focus_cost_and_usage') }}

)

select
    x_OriginChargeId,
    x_TeamId,
    x_FeatureId,
    ChargeCategory,
    PricingQuantity,
    ListUnitPrice,
    ListCost,
    ContractedUnitPrice,
    ContractedCost
from rows_of_focus
where
    abs(PricingQuantity * cast(ListUnitPrice as double) - ListCost) > 0.000000001 * greatest(abs(ListCost), 1)
    or abs(PricingQuantity * cast(ContractedUnitPrice as double) - ContractedCost)
    > 0.000000001 * greatest(abs(ContractedCost), 1)
    or (
        has_price and (
            SkuId is null or SkuMeter is null or SkuPriceId is null or PricingCategory is null or PricingUnit is null
            or PricingQuantity is null or ListUnitPrice is null or ContractedUnitPrice is null
        )
    )
    or (has_price and ChargeCategory = 'Usage' and (ConsumedQuantity is null or ConsumedUnit is null))
    or (ChargeCategory != 'Usage' and ConsumedQuantity is not null)
    or (ChargeCategory not in ('Usage', 'Purchase') and coalesce(PricingQuantity, ListUnitPrice) is not null)
    or (ChargeCategory = 'Purchase' and EffectiveCost != 0)
    or ListUnitPrice < 0
