-- A budget that no spend can be held against would never warn: an unknown scope, team or feature, or no amount.
with features as (

    select distinct feature_id from {{ ref('feature_catalog') }}

)

select
    budgets.scope,
    budgets.scope_id,
    budgets.month,
    budgets.budget_usd,
    'scope is team or feature, scope_id stands in seed teams or feature_catalog, month and budget_usd are filled'
        as what_to_do
from {{ ref('budgets') }} as budgets
left join {{ ref('teams') }} as teams on budgets.scope = 'team' and budgets.scope_id = teams.team_id
left join features on budgets.scope = 'feature' and budgets.scope_id = features.feature_id
where
    (
        teams.team_id is null and features.feature_id is null
        and coalesce(budgets.scope_id, '') not in ('unattributed', 'untraced', 'unlabelled', 'invoice_only')
    )
    or budgets.scope not in ('team', 'feature')
    or budgets.month is null or budgets.budget_usd is null
