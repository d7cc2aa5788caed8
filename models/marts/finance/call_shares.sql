{{ config(materialized="view") }}
select
    call_id,
    originating_feature_id,
    bearer_team_id,
    tenant_id,
    user_id,
    {{ money('sum(share)') }} as share,
    {{ money('sum(borne_usd)') }} as borne_usd
from {{ ref('int_cost_shares') }}
where not is_sampled
group by call_id, originating_feature_id, bearer_team_id, tenant_id, user_id
