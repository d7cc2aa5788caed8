-- one row per revenue line, feature and segment: the feature is named, else spread over those that the account used
{{ replaces_touched("month", by="month", rebuilt_at_news_of="product") }}
with cohorts as (

    select * from {{ ref('int_customer_plans') }}

),

revenue as (

    select
        revenue.revenue_id,
        revenue.month,
        revenue.account_id,
        revenue.feature_id,
        revenue.revenue_usd,
        coalesce(plans.name, accounts.plan, 'unknown') as plan,
        coalesce(accounts.segment, 'unknown') as account_segment
    from {{ ref('stg_product__revenue') }} as revenue
    left join {{ ref('int_plan_and_segment_names') }} as plans
        on lower(trim(revenue.plan)) = plans.spelled_alike and plans.kind = 'plan'
    left join cohorts as accounts
        on revenue.month = accounts.month and revenue.account_id = accounts.id and accounts.kind = 'account'
    where {{ is_touched('revenue.month', 'month', 'product') }}

),

uses as (

    select
        month,
        account_id,
        feature_id,
        segment,
        sum(uses) as uses
    from {{ ref('int_feature_usage') }}
    where account_id is not null
    group by month, account_id, feature_id, segment

),

used as (

    select
        month,
        account_id,
        feature_id,
        sum(uses) as uses
    from uses
    group by month, account_id, feature_id

),

-- Cost goes by its user's segment, so an account's revenue follows its users: by their uses of the feature in the
-- month, else of any feature, else each user alike.
account_segments as (

    select
        month,
        account_id,
        feature_id,
        1 as choice,
        segment,
        sum(uses) as weight
    from uses
    group by month, account_id, feature_id, segment

    union all

    select
        month,
        account_id,
        null as feature_id,
        2 as choice,
        segment,
        sum(uses) as weight
    from uses
    group by month, account_id, segment

    union all

    select
        users.month,
        users.account_id,
        null as feature_id,
        3 as choice,
        coalesce(users.segment, accounts.segment, 'unknown') as segment,
        count(*) as weight
    from cohorts as users
    left join cohorts as accounts
        on users.month = accounts.month and users.account_id = accounts.id and accounts.kind = 'account'
    where users.kind = 'user' and users.account_id is not null
    group by users.month, users.account_id, coalesce(users.segment, accounts.segment, 'unknown')

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

),

parted as (

    select
        revenue_id,
        month,
        account_id,
        plan,
        account_segment,
        to_feature_id as feature_id,
        {{ part_with_residue('revenue_usd', 'part_usd', 'weight', 'revenue_id', 'to_feature_id') }} as revenue_usd
    from floored

),

chosen as (

    select
        parted.*,
        coalesce(account_segments.segment, parted.account_segment) as segment,
        coalesce(account_segments.weight, 1) as weight,
        account_segments.choice,
        min(account_segments.choice) over (partition by parted.revenue_id, parted.feature_id) as first_choice
    from parted
    left join account_segments
        on
            parted.month = account_segments.month
            and parted.account_id = account_segments.account_id
            and parted.feature_id = coalesce(account_segments.feature_id, parted.feature_id)

),

split as (

    select
        *,
        {{ floored_part('revenue_usd', 'weight', 'sum(weight) over (partition by revenue_id, feature_id)') }}
            as part_usd
    from chosen
    where choice = first_choice or choice is null

)

select
    revenue_id,
    month,
    account_id,
    plan,
    segment,
    feature_id,
    {{ part_with_residue('revenue_usd', 'part_usd', 'weight', 'revenue_id, feature_id', 'segment') }} as revenue_usd
from split
