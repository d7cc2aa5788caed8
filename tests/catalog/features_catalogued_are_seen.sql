-- A feature that launched and that no span, event or revenue names: its label is lost, or it is.
{{ config(severity='warn') }}
with launched as (

    select distinct feature_id
    from {{ ref('feature_catalog') }}
    where launched_on <= (select max(month) from {{ ref('feature_pnl_monthly') }})

)

select launched.feature_id
from launched
left join {{ ref('feature_pnl_monthly') }} as pnl on launched.feature_id = pnl.feature_id
where pnl.feature_id is null
