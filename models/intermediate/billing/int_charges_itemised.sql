-- one row per charge and day that it covers; a total is its parts where a usage file tells what it was for
{{ config(materialized="view") }}
{% set amounts = ['billed_usd', 'prepaid_usd'] %}
{% set columns = [
    'charge_id', 'line_id', 'origin_charge_id', 'kind_id', 'invoice_id', 'provider', 'account_id', 'bill_account_id',
    'api_key', 'file_kind', 'charged_on', 'model', 'meter', 'price_tier', 'context_side', 'context_limit',
    'inference_geo', 'quantity', 'billed_usd', 'prepaid_usd', 'tags', 'own_key_provider', 'own_key_usd'
] %}
with parts as (

    select * from {{ ref('int_totals_itemised') }}

)

select
    standing.{{ (columns | reject('in', amounts)) | join(',\n    standing.') }},
    coalesce(spread.billed_usd, standing.billed_usd) as billed_usd,
    coalesce(spread.prepaid_usd, standing.prepaid_usd) as prepaid_usd,
    standing.treatment,
    standing.response_id,
    standing.response_key,
    standing.is_rounded
from {{ ref('int_charges_standing') }} as standing
-- A total over several days is of what was used on them.
left join {{ ref('int_totals_spread') }} as spread on standing.charge_id = spread.charge_id
where
    coalesce(standing.meter, '') != 'total'
    or standing.charge_id not in (select parts.total_charge_id from parts)

union all

select
    {{ (columns | reject('in', amounts)) | join(',\n    ') }},
    {{ amounts | join(',\n    ') }},
    'call' as treatment,
    cast(null as string) as response_id,
    cast(null as bigint) as response_key,
    false as is_rounded
from parts
