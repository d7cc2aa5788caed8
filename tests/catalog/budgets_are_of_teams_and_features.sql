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
        else 'scope is team or feature, scope_id stands in seed teams or feature_catalog'
    end as what_to_do
from {{ ref('budgets') }} as budgets
left join {{ ref('teams') }} as teams on budgets.scope = 'team' and budgets.scope_id = teams.team_id
left join features on budgets.scope = 'feature' and budgets.scope_id = features.feature_id
where
    (
        teams.team_id is null and features.feature_id is null
        and coalesce(budgets.scope_id, '') not in ('unattributed', 'untraced', 'unlabelled', 'invoice_only')
    )
    or budgets.scope not in ('team', 'feature')
    or budgets.month is null or budgets.month != date_trunc('month', budgets.month)
    or budgets.budget_usd is null
