-- A feature that launched and that no span, event or revenue names: its label is lost, or it is.
{{ config(severity='warn') }}
with newest as (

    select max(month) as month
    from {{ ref('feature_pnl_monthly') }}

),

launched as (

    select distinct catalog.feature_id
    from {{ ref('feature_catalog') }} as catalog
    inner join newest on catalog.launched_on <= newest.month

)

select launched.feature_id
from launched
left join {{ ref('feature_pnl_monthly') }} as pnl on launched.feature_id = pnl.feature_id
-- Calls of a renamed feature appear under its newest id.
left join {{ ref('stg_catalog__feature_chains') }} as chains on launched.feature_id = chains.feature_id
where pnl.feature_id is null and chains.feature_id is null
