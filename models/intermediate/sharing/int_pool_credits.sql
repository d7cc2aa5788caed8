-- one row per evaluation journal that the quality pool funds: its part of the feature's credit of the month
with costs as (

    select
        *,
        cast(date_trunc('month', incurred_on) as date) as month
    from {{ ref('int_costs_journalled') }}
    where purpose = 'evaluation'

),

weighed as (

    select
        costs.*,
        credits.credit_usd,
        greatest(costs.amount_usd, 0) * 1000000000000 as weight,
        sum(greatest(costs.amount_usd, 0) * 1000000000000) over (partition by costs.month, costs.feature_id)
            as total_weight
    from costs
    inner join {{ ref('int_credits_capped') }} as credits
        on costs.month = credits.month and costs.feature_id = credits.feature_id
    where credits.credit_usd > 0

),

floored as (

    select
        *,
        {{ floored_part('credit_usd', 'weight', 'total_weight') }} as part_usd
    from weighed

)

select
    cost_id,
    incurred_on,
    month,
    provider,
    account_id,
    model,
    feature_id,
    bearer_team_id,
    basis,
    {{ part_with_residue('credit_usd', 'part_usd', 'weight', 'month, feature_id', 'cost_id') }} as amount_usd
from floored
