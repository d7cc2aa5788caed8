with evaluation_postings as (

    select
        costs.*,
        credits.month,
        credits.credit_usd,
        greatest(costs.amount_usd, 0) * 1000000000000 as cost_weight
    from {{ ref('int_daily_costs') }} as costs
    inner join {{ ref('int_eval_funding') }} as credits
        on
            cast(date_trunc('month', costs.incurred_on) as date) = credits.month
            and costs.feature_id = credits.feature_id
    where costs.purpose = 'evaluation' and credits.credit_usd > 0

),

-- The quality pool pays a month's credit across the feature's evaluation postings, in proportion to their cost.
credited_postings as (

    {{ allocate('evaluation_postings', {'credited_usd': 'credit_usd'}, weight='cost_weight',
        within=['month', 'feature_id'], tie_breaker=['cost_id']) | indent }}

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
    credited_usd as amount_usd
from credited_postings
