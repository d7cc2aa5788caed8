-- one row per revenue line and feature: named, or spread over the features that the account used in the month
{{ replaces_touched("month", by="month", rebuilt_at_news_of="product") }}
with revenue as (

    select
        revenue.*,
        accounts.plan as account_plan,
        accounts.segment
    from {{ ref('stg_product__revenue') }} as revenue
    left join {{ ref('int_cohorts_assigned') }} as accounts
        on revenue.month = accounts.month and revenue.account_id = accounts.id and accounts.kind = 'account'
    where {{ is_touched('revenue.month', 'month', 'product') }}

),

used as (

    select
        month,
        account_id,
        feature_id,
        sum(uses) as uses
    from {{ ref('int_uses_cohorted') }}
    group by month, account_id, feature_id

),

rules as (

    select * from {{ ref('revenue_rules') }}

),

weighed as (

    select
        revenue.revenue_id,
        used.feature_id,
        -- By usage each use counts; by value a used feature counts as much as is declared; evenly each counts the same.
        {{ whole_number("coalesce(own.weight, general.weight, 1) * 1000000") }}
        * case when coalesce(own.method, general.method, 'usage') = 'usage' then used.uses else 1 end as value_weight,
        coalesce(own.method, general.method) = 'even' as is_even
    from revenue
    inner join used
        on revenue.month = used.month and revenue.account_id = used.account_id
    -- As cohorts and eval funding: what holds at the month's end. A row without a feature speaks of all others.
    left join rules as own
        on used.feature_id = own.feature_id and {{ in_force('own', 'last_day(revenue.month)') }}
    left join rules as general
        on general.feature_id is null and {{ in_force('general', 'last_day(revenue.month)') }}
    where revenue.feature_id is null

),

weighted as (

    select
        revenue_id,
        feature_id,
        case when is_even then 1000000 else value_weight end as weight
    from weighed
    where is_even or value_weight > 0

),

shares as (

    select
        revenue.*,
        coalesce(revenue.feature_id, weighted.feature_id, 'no_usage') as to_feature_id,
        coalesce(weighted.weight, 1) as weight,
        sum(coalesce(weighted.weight, 1)) over (partition by revenue.revenue_id) as total_weight
    from revenue
    left join weighted on revenue.revenue_id = weighted.revenue_id

),

floored as (

    select
        *,
        {{ floored_part('revenue_usd', 'weight', 'total_weight') }} as part_usd
    from shares

)

select
    revenue_id,
    month,
    account_id,
    coalesce(plan, account_plan, 'unknown') as plan,
    coalesce(segment, 'unknown') as segment,
    to_feature_id as feature_id,
    {{ part_with_residue('revenue_usd', 'part_usd', 'weight', 'revenue_id', 'to_feature_id') }} as revenue_usd
from floored
