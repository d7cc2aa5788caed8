-- one row per charge and day that it covers; a total is its parts where a usage file tells what it was for
{{ config(materialized="view") }}
{% set columns = [
    'charge_id', 'line_id', 'origin_charge_id', 'kind_id', 'invoice_id', 'provider', 'account_id', 'bill_account_id',
    'api_key', 'file_kind', 'charged_on', 'model', 'meter', 'price_tier', 'context_side', 'context_limit',
    'inference_geo', 'quantity', 'billed_usd', 'prepaid_usd', 'tags', 'own_key_provider', 'own_key_usd'
] %}
with parts as (

    select * from {{ ref('int_totals_itemised') }}

)

select
    {{ columns | join(',\n    ') }},
    treatment,
    response_id,
    response_key,
    is_rounded
from {{ ref('int_charges_standing') }}
where
    coalesce(meter, '') != 'total'
    or charge_id not in (select parts.total_charge_id from parts)

union all

select
    {{ columns | join(',\n    ') }},
    'call' as treatment,
    cast(null as string) as response_id,
    cast(null as bigint) as response_key,
    false as is_rounded
from parts
