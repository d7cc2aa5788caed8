-- A bill line that two cost drivers name would be shared twice, or by whichever comes first.
with drivers as (

    select * from {{ ref('stg_catalog__cost_drivers') }}

)

select
    kinds.provider,
    kinds.service_name,
    kinds.sku,
    kinds.description,
    count(*) as drivers,
    min(drivers.row_text) as first_driver,
    max(drivers.row_text) as other_driver,
    'narrow the patterns of cost_drivers until one row names the line' as what_to_do
from {{ ref('int_charge_types') }} as kinds
inner join drivers on {{ takes_line('kinds', 'drivers') }}
where kinds.treatment = 'own_capacity'
group by kinds.kind_id, kinds.provider, kinds.service_name, kinds.sku, kinds.description
having count(*) > 1
