-- A budget would never warn if no spend could be compared with it: its scope, team or feature is unknown, its month is
-- not the first day of one, or it has no amount.
with features as (

    select distinct feature_id from {{ ref('feature_catalog') }}

)

select
    budgets.scope,
    budgets.scope_id,
    budgets.month,
    budgets.budget_usd,
    case
        when budgets.month is null or budgets.month != date_trunc('month', budgets.month)
            then 'month is the first day of the month, 2026-10-01'
        when budgets.budget_usd is null then 'budget_usd is empty'
        when coalesce(budgets.scope, '') not in ('team', 'feature', 'account', 'segment')
            then 'scope is team, feature, account or segment'
        when budgets.scope in ('account', 'segment') then 'scope_id is empty'
        else 'scope_id of a team stands in seed teams, of a feature in feature_catalog'
    end as what_to_do
from {{ ref('budgets') }} as budgets
left join {{ ref('teams') }} as teams on budgets.scope = 'team' and budgets.scope_id = teams.team_id
left join features on budgets.scope = 'feature' and budgets.scope_id = features.feature_id
where
    coalesce(budgets.scope, '') not in ('team', 'feature', 'account', 'segment')
    or (
        budgets.scope in ('team', 'feature')
        and teams.team_id is null and features.feature_id is null
        and coalesce(budgets.scope_id, '') not in ('unattributed', 'untraced', 'unlabelled', 'idle', 'invoice_only')
    )
    -- Files of users and spans name accounts and segments: budgets_are_of_customers_seen asks them.
    or (budgets.scope in ('account', 'segment') and coalesce(budgets.scope_id, '') = '')
    or budgets.month is null or budgets.month != date_trunc('month', budgets.month)
    or budgets.budget_usd is null
