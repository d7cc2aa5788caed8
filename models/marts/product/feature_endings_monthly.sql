{{ replaces_touched("month", by="month", rebuilt_at_news_of="product") }}
{% set share_month = "cast(date_trunc('month', started_on) as date)" %}
with pnl as (

    select * from {{ ref('feature_pnl_monthly') }}
    where
        feature_id not in {{ reserved_names('feature') }}
        and {{ is_touched('month', 'month', 'product') }}

),

shares as (

    select
        *,
        {{ share_month }} as month
    from {{ ref('int_current_feature_shares') }}
    where {{ is_touched(share_month, 'month', 'product') }}

),

-- Calls that several features caused are made for the others too.
joint_calls as (

    select call_key
    from shares
    where not is_sampled and origin_share < 1
    group by call_key
    having min(originating_feature_id) != max(originating_feature_id)

),

joint_costs as (

    select
        shares.month,
        shares.originating_feature_id as feature_id,
        sum(shares.pnl_usd) as joint_usd
    from shares
    inner join joint_calls on shares.call_key = joint_calls.call_key
    group by shares.month, shares.originating_feature_id

),

uses as (

    select distinct
        month,
        feature_id,
        user_id,
        account_id
    from {{ ref('int_feature_usage') }}
    where
        feature_id not in {{ reserved_names('feature') }}
        and {{ is_touched('month', 'month', 'product') }}

),

{% for kind in ['user', 'account'] -%}
    {{ kind }}_features as (

        select
            month,
            {{ kind }}_id,
            min(feature_id) as feature_id,
            max(feature_id) as last_feature_id
        from uses
        where {{ kind }}_id is not null
        group by month, {{ kind }}_id

    ),

    {{ kind }}s as (

        select
            uses.month,
            uses.feature_id,
            count(distinct uses.{{ kind }}_id) as {{ kind }}s,
            count(distinct case when sole.feature_id = sole.last_feature_id then sole.{{ kind }}_id end)
                as only_{{ kind }}s
        from uses
        inner join {{ kind }}_features as sole on uses.month = sole.month and uses.{{ kind }}_id = sole.{{ kind }}_id
        group by uses.month, uses.feature_id

    ),

{% endfor -%}
-- All that an account pays, also where the revenue rules gave a part of it to features that it did not use.
only_revenue as (

    select
        revenue.month,
        accounts.feature_id,
        sum(revenue.revenue_usd) as revenue_usd
    from {{ ref('int_feature_revenue') }} as revenue
    inner join account_features as accounts
        on revenue.month = accounts.month and revenue.account_id = accounts.account_id
    where accounts.feature_id = accounts.last_feature_id
    group by revenue.month, accounts.feature_id

),

endings as (

    select
        pnl.month,
        pnl.feature_id,
        pnl.revenue_usd,
        pnl.production_usd + pnl.evaluation_usd + pnl.development_usd + pnl.unattributed_usd as own_usd,
        pnl.shared_usd,
        pnl.basis,
        coalesce(joint_costs.joint_usd, 0) as joint_usd,
        coalesce(only_revenue.revenue_usd, 0) as only_revenue_usd,
        coalesce(users.users, 0) as users,
        coalesce(users.only_users, 0) as only_users,
        coalesce(accounts.accounts, 0) as accounts,
        coalesce(accounts.only_accounts, 0) as only_accounts
    from pnl
    left join joint_costs on pnl.month = joint_costs.month and pnl.feature_id = joint_costs.feature_id
    left join only_revenue on pnl.month = only_revenue.month and pnl.feature_id = only_revenue.feature_id
    left join users on pnl.month = users.month and pnl.feature_id = users.feature_id
    left join accounts on pnl.month = accounts.month and pnl.feature_id = accounts.feature_id

)

select
    month,
    feature_id,
    {{ money('own_usd - joint_usd') }} as avoidable_usd,
    {{ money('joint_usd') }} as joint_usd,
    {{ money('shared_usd') }} as shared_usd,
    {{ money('revenue_usd') }} as revenue_usd,
    {{ money('only_revenue_usd') }} as only_revenue_usd,
    {{ money('own_usd - joint_usd - only_revenue_usd') }} as saved_usd,
    cast(users as bigint) as users,
    cast(only_users as bigint) as only_users,
    cast(accounts as bigint) as accounts,
    cast(only_accounts as bigint) as only_accounts,
    basis
from endings
