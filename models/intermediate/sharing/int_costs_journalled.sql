-- one row per journal: day, provider, account, model, feature, team path, payer, bearer, purpose and basis
with call_costs as (

    select
        started_on as incurred_on,
        provider,
        account_id,
        model,
        originating_feature_id as feature_id,
        team_path,
        payer_team_id,
        bearer_team_id,
        purpose,
        basis,
        borne_usd as amount_usd
    from {{ ref('int_call_shares') }}
    where borne_usd != 0

),

untraced_costs as (

    select
        charges.charged_on as incurred_on,
        charges.provider,
        charges.account_id,
        charges.model,
        case when charges.meter is null then 'invoice_only' else 'untraced' end as feature_id,
        '' as team_path,
        coalesce(keys.owner_team_id, 'unattributed') as payer_team_id,
        coalesce(keys.owner_team_id, 'unattributed') as bearer_team_id,
        'unknown' as purpose,
        'billed' as basis,
        charges.untraced_usd + charges.invoice_only_usd as amount_usd
    from {{ ref('int_charges_settled') }} as charges
    left join {{ ref('int_keys_owned') }} as keys
        on
            charges.provider = keys.provider
            and charges.account_id is not distinct from keys.account_id
            and charges.api_key is not distinct from keys.api_key
            and charges.charged_on is not distinct from keys.used_on
    where charges.untraced_usd + charges.invoice_only_usd != 0

),

costs as (

    select * from call_costs
    union all
    select * from untraced_costs

)

select
    {{ entry_key([
        'incurred_on', 'provider', 'account_id', 'model', 'feature_id', 'team_path', 'payer_team_id', 'bearer_team_id',
        'purpose', 'basis'
    ]) }} as cost_id,
    incurred_on,
    provider,
    account_id,
    model,
    feature_id,
    team_path,
    payer_team_id,
    bearer_team_id,
    purpose,
    basis,
    {{ money('sum(amount_usd)') }} as amount_usd
from costs
group by
    incurred_on, provider, account_id, model, feature_id, team_path, payer_team_id, bearer_team_id, purpose, basis
