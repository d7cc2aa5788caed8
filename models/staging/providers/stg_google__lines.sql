with lines as (

    select
        *,
        case
            when credit_type is not null then 'Credit'
            when lower(cost_type) = 'tax' then 'Tax'
            when lower(coalesce(cost_type, 'regular')) = 'regular' then 'Usage'
            else 'Adjustment'
        end as charge_category
    from {{ source('landed', 'google_billing') }}

)

select
    {{ as_focus({
        'charge_period_start': 'charge_period_start',
        'charge_period_end': 'coalesce(charge_period_end, charge_period_start)',
        'billed_cost': 'cost',
        'consumed_quantity': 'usage_amount',
        'consumed_unit': 'usage_unit',
        'pricing_quantity': 'usage_amount_in_pricing_units',
        'pricing_unit': 'pricing_unit',
        'billing_currency': 'currency',
        'billing_account_id': 'billing_account_id',
        'sub_account_id': 'project_id',
        'sub_account_name': 'project_name',
        'charge_category': 'charge_category',
        'charge_description': 'credit_name',
        'provider_name': "'Google Cloud'",
        'publisher_name': 'seller_name',
        'region_id': 'region',
        'resource_id': 'resource_name',
        'service_name': 'service_description',
        'sku_id': 'sku_id',
        'sku_description': 'sku_description',
        'tags': 'tags'
    }) }},
    'google_billing' as file_kind,
    charge_category = 'Usage' as is_use
from lines
