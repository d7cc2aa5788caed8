-- one row per journal that a sharing rule spreads, and team: the team's part
with costs as (

    select
        *,
        cast(date_trunc('month', incurred_on) as date) as month
    from {{ ref('int_costs_journalled') }}

),

catalog as (

    select * from {{ ref('feature_catalog') }}

),

rules as (

    select * from {{ ref('sharing_rules') }}
    where method != 'none'

),

-- A rule that names no team speaks of all.
named as (

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

-- Where a rule names no weights, teams share by what their features cost in production: by who asked for it, whatever
-- the chargeback policy. Of a feature that the catalog does not know, the team that its path begins with.
used as (

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

weighed as (

    select
        costs.cost_id,
        costs.month,
        costs.incurred_on,
        costs.pool,
        costs.feature_id,
        costs.payer_team_id,
        costs.amount_usd as cost_usd,
        named.team_id,
        case
            when named.method = 'even' then 1
            when named.weight is not null then {{ whole_number('named.weight * 1000000') }}
            else {{ whole_number('greatest(coalesce(used.production_usd, 0), 0) * 1000000000000') }}
        end as weight
    from costs
    inner join named on costs.pool = named.pool and {{ in_force('named', 'costs.incurred_on') }}
    left join used on costs.month = used.month and named.team_id = used.team_id
    where named.team_id is not null and costs.amount_usd != 0

),

totalled as (

    select
        *,
        sum(weight) over (partition by cost_id) as total_weight
    from weighed

),

floored as (

    select
        *,
        {{ floored_part('cost_usd', 'weight', 'total_weight') }} as part_usd
    from totalled
    -- Where nobody weighs anything, the money stays with its payer.
    where total_weight > 0

)

select
    cost_id,
    month,
    incurred_on,
    pool,
    feature_id,
    payer_team_id,
    team_id,
    {{ part_with_residue('cost_usd', 'part_usd', 'weight', 'cost_id', 'team_id') }} as amount_usd
from floored
