-- A label that production wears and no catalog row knows: nobody owns it.
{{ config(severity='warn') }}
select
    shares.originating_feature_id as feature_id,
    count(distinct shares.call_id) as calls,
    sum(shares.borne_usd) as borne_usd
from {{ ref('call_shares') }} as shares
left join {{ ref('feature_catalog') }} as catalog on shares.originating_feature_id = catalog.feature_id
where catalog.feature_id is null and shares.originating_feature_id != 'unlabelled'
group by shares.originating_feature_id
