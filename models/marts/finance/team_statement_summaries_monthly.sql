with charges as (

    select
        charges.month,
        charges.team_id,
        charges.net_charge_booked_usd,
        previous.net_charge_booked_usd as previous_usd,
        sum(charges.net_charge_booked_usd) over (
            partition by charges.team_id, date_trunc('year', charges.month) order by charges.month
        ) as year_to_date_usd
    from {{ ref('team_chargeback_monthly') }} as charges
    left join {{ ref('team_chargeback_monthly') }} as previous
        on charges.team_id = previous.team_id and charges.month = previous.month + interval 1 month

),

budgets as (

    select * from {{ ref('budgets') }}
    where scope = 'team'

)

select
    charges.month,
    charges.team_id,
    {{ dbt.string_literal(dbt.escape_single_quotes(var('company_name'))) }} as company,
    coalesce(
        teams.name,
        case charges.team_id when 'quality_pool' then 'Quality pool' when 'unattributed' then 'Unattributed' end,
        charges.team_id
    ) as team_name,
    teams.cost_center,
    -- Made of month and team alone, so that another export of the month has the same.
    'AI-' || substr(cast(charges.month as string), 1, 7) || '-' || charges.team_id as statement_id,
    'USD' as currency,
    charges.net_charge_booked_usd,
    charges.previous_usd as last_month_usd,
    cast(charges.net_charge_booked_usd - charges.previous_usd as decimal(38, 2)) as change_usd,
    cast(charges.year_to_date_usd as decimal(38, 2)) as year_to_date_usd,
    budgets.budget_usd,
    {{ money('budgets.budget_usd - charges.net_charge_booked_usd') }} as budget_left_usd
from charges
left join {{ ref('teams') }} as teams on charges.team_id = teams.team_id
left join budgets on charges.team_id = budgets.scope_id and charges.month = budgets.month
