with charges as (

    select
        month,
        team_id,
        net_charge_booked_usd,
        min(month) over () as first_month,
        max(month) over () as last_month
    from {{ ref('team_chargeback_monthly') }}

),

-- Each charge counts for its own month, and as last month's for the one after it, which may have none.
compared_charges as (

    select
        month,
        first_month,
        team_id,
        net_charge_booked_usd as net_usd,
        0 as previous_usd
    from charges

    union all

    select
        cast(month + interval 1 month as date) as month,
        first_month,
        team_id,
        0 as net_usd,
        net_charge_booked_usd as previous_usd
    from charges
    where month < last_month

),

months as (

    select
        month,
        team_id,
        cast(sum(net_usd) as decimal(38, 2)) as net_usd,
        cast(case when month > first_month then sum(previous_usd) end as decimal(38, 2)) as previous_usd
    from compared_charges
    group by month, first_month, team_id

),

-- Cost centers of all that a team is charged; the journal's legs of one purpose may have others.
charged_teams as (

    select
        'ai_cost' as account,
        cast(null as string) as purpose,
        team_id
    from months

),

codes as (

    {{ gl_codes('charged_teams', ref('gl_accounts')) }}

),

budgets as (

    select * from {{ ref('budgets') }}
    where scope = 'team'

)

select
    months.month,
    months.team_id,
    {{ dbt.string_literal(dbt.escape_single_quotes(var('company_name'))) }} as company,
    coalesce(
        teams.name,
        case months.team_id when 'quality_pool' then 'Quality pool' when 'unattributed' then 'Unattributed' end,
        months.team_id
    ) as team_name,
    coalesce(codes.cost_center, teams.cost_center) as cost_center,
    -- Made of month and team alone, so that another export of the month has the same.
    'AI-' || substr(cast(months.month as string), 1, 7) || '-' || months.team_id as statement_id,
    'USD' as currency,
    months.net_usd as net_charge_booked_usd,
    months.previous_usd as last_month_usd,
    cast(months.net_usd - months.previous_usd as decimal(38, 2)) as change_usd,
    cast(sum(months.net_usd) over (
        partition by months.team_id, date_trunc('year', months.month) order by months.month
    ) as decimal(38, 2)) as year_to_date_usd,
    budgets.budget_usd,
    {{ money('budgets.budget_usd - months.net_usd') }} as budget_left_usd
from months
left join {{ ref('teams') }} as teams on months.team_id = teams.team_id
left join codes on months.team_id is not distinct from codes.team_id
left join budgets on months.team_id = budgets.scope_id and months.month = budgets.month
