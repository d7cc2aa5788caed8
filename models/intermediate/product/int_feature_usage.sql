{{ replaces_touched("month", by="month", rebuilt_at_news_of="product") }}
{% set share_month = "cast(date_trunc('month', started_on) as date)" %}
with customer_plans as (

    select * from {{ ref('int_customer_plans') }}

),

events as (

    select * from {{ ref('stg_product__usage_events') }}
    where {{ is_touched('month', 'month', 'product') }}

),

-- In months without any product telemetry, production requests stand in for usage events, and for those whose traces a
-- sampler dropped.
traces as (

    select
        {{ share_month }} as month,
        started_on,
        originating_feature_id,
        user_id,
        tenant_id,
        trace_key,
        max(adjusted_count) as adjusted_count
    from {{ ref('int_current_feature_shares') }}
    where
        purpose = 'production'
        and originating_feature_id != 'unlabelled'
        and {{ is_touched(share_month, 'month', 'product') }}
        and {{ share_month }} not in (select events.month from events)
    group by {{ share_month }}, started_on, originating_feature_id, user_id, tenant_id, trace_key

),

usage as (

    select
        month,
        'telemetry' as told_by,
        cast(occurred_at as date) as used_on,
        feature_id,
        user_id,
        account_id,
        count(*) as uses,
        sum(answers) as answers
    from events
    group by month, cast(occurred_at as date), feature_id, user_id, account_id

    union all

    select
        month,
        'spans' as told_by,
        started_on as used_on,
        originating_feature_id as feature_id,
        user_id,
        tenant_id as account_id,
        {{ whole_count('case when trace_key is not null then adjusted_count else 0 end') }} as uses,
        0 as answers
    from traces
    group by month, started_on, originating_feature_id, user_id, tenant_id

)

select
    usage.month,
    usage.told_by,
    usage.used_on,
    usage.feature_id,
    usage.user_id,
    -- An event without an account belongs to the account of its user.
    coalesce(usage.account_id, users.account_id) as account_id,
    coalesce(users.plan, accounts.plan, 'unknown') as plan,
    coalesce(users.segment, accounts.segment, 'unknown') as segment,
    cast(sum(usage.uses) as bigint) as uses,
    cast(sum(usage.answers) as bigint) as answers
from usage
left join customer_plans as users
    on usage.month = users.month and usage.user_id = users.id and users.kind = 'user'
left join customer_plans as accounts
    on
        usage.month = accounts.month
        and coalesce(usage.account_id, users.account_id) = accounts.id
        and accounts.kind = 'account'
group by
    usage.month,
    usage.told_by,
    usage.used_on,
    usage.feature_id,
    usage.user_id,
    coalesce(usage.account_id, users.account_id),
    coalesce(users.plan, accounts.plan, 'unknown'),
    coalesce(users.segment, accounts.segment, 'unknown')
