-- Accounts whose users' production calls cost more than the account paid, in the newest month with revenue, by more
-- than `alert_account_loss.usd`. Accounts that no revenue row names (free plans) lose what they cost. The figure
-- compared is how many.
{{ config(
    meta={"figure": "accounts that cost more than they pay"},
    warn_if="> " ~ var('alert_account_loss').warn, error_if="> " ~ var('alert_account_loss').error
) }}
with newest as (

    -- A year paid ahead is revenue of months to come as well: the month that a file states counts.
    select max(month) as month from {{ ref('stg_product__revenue') }}
    where
        is_standing and revenue_usd > 0
        and month in (
            select cast(date_trunc('month', calls.started_on) as date) from {{ ref('attributed_calls') }} as calls
            where calls.purpose = 'production'
        )

),

costs as (

    select
        cast(date_trunc('month', calls.started_on) as date) as month,
        coalesce(shares.tenant_id, users.account_id) as account_id,
        sum(shares.borne_usd) as production_usd
    from {{ ref('call_shares') }} as shares
    inner join {{ ref('attributed_calls') }} as calls on shares.call_id = calls.call_id
    inner join newest on cast(date_trunc('month', calls.started_on) as date) = newest.month
    left join {{ ref('int_customer_plans') }} as users
        on shares.user_id = users.id and newest.month = users.month and users.kind = 'user'
    where calls.purpose = 'production'
    group by cast(date_trunc('month', calls.started_on) as date), coalesce(shares.tenant_id, users.account_id)

),

revenue as (

    select
        revenue.month,
        revenue.account_id,
        sum(revenue.revenue_usd) as revenue_usd
    from {{ ref('int_feature_revenue') }} as revenue
    inner join newest on revenue.month = newest.month
    group by revenue.month, revenue.account_id

)

select
    costs.month,
    costs.account_id,
    coalesce(revenue.revenue_usd, 0) as revenue_usd,
    costs.production_usd,
    costs.production_usd - coalesce(revenue.revenue_usd, 0) as loss_usd,
    'see call_shares for its users and features' as what_to_do
from costs
left join revenue on costs.account_id = revenue.account_id
where
    costs.account_id is not null
    and costs.production_usd - coalesce(revenue.revenue_usd, 0) > {{ var('alert_account_loss').usd }}
