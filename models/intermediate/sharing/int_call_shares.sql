-- one row per call, originator, bearer, tenant and user: its share of the call and of the call's money
with origins as (

    select
        call_id,
        originating_feature_id,
        serving_feature_id,
        bearer_team_id,
        payer_team_id,
        team_path,
        purpose,
        tenant_id,
        user_id,
        sum(weight) as weight
    from {{ ref('int_call_origins_borne') }}
    group by
        call_id, originating_feature_id, serving_feature_id, bearer_team_id, payer_team_id, team_path, purpose,
        tenant_id, user_id

),

weighed as (

    select
        origins.*,
        calls.basis,
        calls.provider,
        calls.account_id,
        calls.model,
        calls.started_on,
        coalesce(calls.billed_usd, calls.priced_usd) as attributed_usd,
        sum(origins.weight) over (partition by origins.call_id) as total_weight
    from origins
    inner join {{ ref('int_calls_billed') }} as calls on origins.call_id = calls.call_id

),

floored as (

    select
        *,
        {{ money('1') }} as whole,
        {{ floored_part('1', 'weight', 'total_weight') }} as share_part,
        {{ floored_part('attributed_usd', 'weight', 'total_weight') }} as borne_part
    from weighed

)

{% set tie_breaker = 'originating_feature_id, team_path, tenant_id, user_id, serving_feature_id' %}
select
    call_id,
    originating_feature_id,
    serving_feature_id,
    bearer_team_id,
    payer_team_id,
    team_path,
    purpose,
    tenant_id,
    user_id,
    basis,
    provider,
    account_id,
    model,
    started_on,
    {{ part_with_residue('whole', 'share_part', 'weight', 'call_id', tie_breaker) }} as share,
    {{ part_with_residue('attributed_usd', 'borne_part', 'weight', 'call_id', tie_breaker) }} as borne_usd
from floored
