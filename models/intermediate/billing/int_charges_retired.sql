{{ config(materialized="view") }}
{% set columns = ['charge_id', 'line_id', 'provider', 'account_id', 'charged_on', 'billed_usd', 'prepaid_usd'] %}
select {{ columns | join(',\n    ') }}
from {{ ref('int_charges') }}
where coalesce(meter, '') != 'total' and not {{ is_kept('charged_on') }}

union all

select {{ columns | join(',\n    ') }}
from {{ ref('int_itemised_totals') }}
where not {{ is_kept('charged_on') }}
