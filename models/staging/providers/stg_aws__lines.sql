with lines as (

    select
        *,
        lower(line_item_type) as type_name,
        -- The marketplace states its unit at the end of the usage type.
        coalesce(pricing_unit, case when lower(usage_type) like '%-units' then 'Units' end) as usage_unit,
        -- Older reports, and accounts without commitments, have no columns for what a commitment's use was worth.
        count(savings_plan_effective_cost) over (partition by payer_account_id) > 0 as has_savings_plans,
        count(coalesce(reservation_effective_cost, reservation_unused_recurring_fee)) over (
            partition by payer_account_id
        ) > 0 as has_reservations
    from {{ source('landed', 'aws_cur') }}

),

sorted as (

    select
        *,
        case
            when type_name in ('usage', 'discountedusage', 'savingsplancoveredusage') or type_name is null then 'Usage'
            when type_name = 'tax' then 'Tax'
            when type_name in ('credit', 'refund') or type_name like '%discount' then 'Credit'
            when type_name like '%fee' or type_name = 'savingsplannegation' then 'Purchase'
            else 'Adjustment'
        end as charge_category,
        -- Amortized cost as AWS documents it: a commitment is worth what its use and its idle part are worth, and the
        -- lines that pay for it are worth nothing beside them.
        case
            when type_name = 'savingsplancoveredusage' then savings_plan_effective_cost
            when type_name = 'discountedusage' then reservation_effective_cost
            when type_name in ('savingsplannegation', 'savingsplanupfrontfee') and has_savings_plans then 0
            when type_name = 'savingsplanrecurringfee' and has_savings_plans
                then coalesce(savings_plan_total_commitment, 0) - coalesce(savings_plan_used_commitment, 0)
            when type_name = 'rifee' and has_reservations
                then coalesce(reservation_unused_upfront_fee, 0) + coalesce(reservation_unused_recurring_fee, 0)
            when type_name = 'fee' and reservation_arn is not null and has_reservations then 0
        end as effective_cost
    from lines

)

select
    {{ as_focus({
        'charge_period_start': 'charge_period_start',
        'charge_period_end': 'coalesce(charge_period_end, charge_period_start)',
        'billing_period_start': 'billing_period_start',
        'billing_period_end': 'billing_period_end',
        'billed_cost': 'unblended_cost',
        'effective_cost': 'effective_cost',
        'list_cost': 'public_on_demand_cost',
        'consumed_quantity': "case when charge_category = 'Usage' then usage_amount end",
        'consumed_unit': 'usage_unit',
        'billing_currency': 'currency_code',
        'billing_account_id': 'payer_account_id',
        'sub_account_id': 'usage_account_id',
        'charge_category': 'charge_category',
        'charge_description': 'charge_description',
        'commitment_discount_id': 'coalesce(savings_plan_arn, reservation_arn)',
        'provider_name': "'AWS'",
        'publisher_name': 'legal_entity',
        'invoice_id': 'invoice_id',
        'region_id': 'region',
        'resource_id': 'resource_id',
        'service_name': 'coalesce(product_name, product_code)',
        'sku_price_details': 'operation',
        'tags': 'tags',
        'usage_type': 'usage_type'
    }) }},
    'aws_cur' as file_kind,
    charge_category = 'Usage' as is_use
from sorted
