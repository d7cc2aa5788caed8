{{ config(materialized="view") }}
{% set columns = [
    'charge_id', 'line_id', 'origin_charge_id', 'kind_id', 'invoice_id', 'provider', 'account_id', 'bill_account_id',
    'api_key', 'file_kind', 'charged_on', 'model', 'meter', 'price_tier', 'context_side', 'context_limit',
    'inference_geo', 'quantity', 'tags', 'own_key_provider', 'own_key_usd', 'billed_usd', 'prepaid_usd', 'treatment',
    'response_id', 'response_key', 'is_rounded', 'driver_group_id'
] %}
select {{ columns | join(',\n    ') }}
from {{ ref('int_charges') }}
where coalesce(meter, '') != 'total' and {{ is_kept('charged_on') }}

union all

select {{ columns | join(',\n    ') }}
from {{ ref('int_itemised_totals') }}
where {{ is_kept('charged_on') }}
