-- one row per revenue line and feature: named, or spread over the features that the account used in the month
{{ config(materialized="kept", meta={"rebuilt_at_news_of": "product"}) }}
with revenue as (

    select * from {{ ref('stg_product__revenue') }}

),

used as (

    select
        month,
        account_id,
        feature_id,
        count(*) as uses
    from {{ ref('stg_product__usage_events') }}
    group by month, account_id, feature_id

),

rules as (

    select * from {{ ref('revenue_rules') }}

),

weighed as (

    select
        revenue.revenue_id,
        used.feature_id,
        -- Usage by default; value and even count a used feature once.
        cast(coalesce(rules.weight, 1) * 1000000 as bigint)
        * case when coalesce(rules.method, 'usage') = 'usage' then used.uses else 1 end as weight
    from revenue
    inner join used
        on revenue.month = used.month and revenue.account_id = used.account_id
    left join rules
        on used.feature_id = rules.feature_id and {{ in_force('rules', 'revenue.month') }}
    where revenue.feature_id is null

),

shares as (

    select
        revenue.*,
        coalesce(revenue.feature_id, weighed.feature_id, 'no_usage') as to_feature_id,
        coalesce(weighed.weight, 1) as weight,
        sum(coalesce(weighed.weight, 1)) over (partition by revenue.revenue_id) as total_weight
    from revenue
    left join weighed on revenue.revenue_id = weighed.revenue_id

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
    plan,
    to_feature_id as feature_id,
    {{ part_with_residue('revenue_usd', 'coalesce(part_usd, 0)', 'weight', 'revenue_id', 'to_feature_id') }}
        as revenue_usd
from floored
