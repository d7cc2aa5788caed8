with costs as (

    select
        *,
        cast(date_trunc('month', incurred_on) as date) as month
    from {{ ref('int_daily_costs') }}

),

catalog as (

    select * from {{ ref('feature_catalog') }}

),

rules as (

    select * from {{ ref('sharing_rules') }}
    where method != 'none'

),

-- A rule without a team applies to all teams.
team_rules as (

    select
        rules.pool,
        rules.method,
        rules.weight,
        rules.valid_from,
        rules.valid_to,
        coalesce(rules.team_id, teams.team_id) as team_id
    from rules
    left join {{ ref('teams') }} as teams on rules.team_id is null

),

-- Without stated weights, teams share in proportion to the production cost of the features that they own, whatever the
-- chargeback policy. A feature that is not in the catalog counts for the first team of its path.
production_per_team as (

    select
        costs.month,
        coalesce(catalog.owner_team_id, {{ first_step('costs.team_path') }}) as team_id,
        sum(costs.amount_usd) as production_usd
    from costs
    left join catalog
        on costs.feature_id = catalog.feature_id and {{ in_force('catalog', 'costs.incurred_on') }}
    where costs.purpose = 'production' and costs.pool is null
    group by costs.month, coalesce(catalog.owner_team_id, {{ first_step('costs.team_path') }})

),

weighted_teams as (

    select
        costs.cost_id,
        costs.month,
        costs.incurred_on,
        costs.pool,
        costs.feature_id,
        costs.payer_team_id,
        costs.amount_usd,
        rules.team_id,
        case
            when rules.method = 'even' then 1
            when rules.weight is not null then {{ whole_number('rules.weight * 1000000') }}
            else {{ whole_number('greatest(coalesce(production.production_usd, 0), 0) * 1000000000000') }}
        end as weight
    from costs
    inner join team_rules as rules on costs.pool = rules.pool and {{ in_force('rules', 'costs.incurred_on') }}
    left join production_per_team as production
        on costs.month = production.month and rules.team_id = production.team_id
    where rules.team_id is not null and costs.amount_usd != 0

),

team_shares as (

    {{ allocate('weighted_teams', {'amount_usd': 'amount_usd'}, weight='weight', within=['cost_id'],
        tie_breaker=['team_id']) | indent }}

)

select
    cost_id,
    month,
    incurred_on,
    pool,
    feature_id,
    payer_team_id,
    team_id,
    amount_usd
from team_shares
-- If no team has a weight, the cost stays with its payer.
where amount_usd is not null
