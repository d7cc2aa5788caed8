-- one row per day, feature, user and account: how often it was used, with plan and segment of the month
{{ replaces_touched("month", by="month", rebuilt_at_news_of="product") }}
{% set shares_month = "cast(date_trunc('month', started_on) as date)" %}
with cohorts as (

    select * from {{ ref('int_customer_plans') }}

),

events as (

    select * from {{ ref('stg_product__usage_events') }}
    where {{ is_touched('month', 'month', 'product') }}

),

-- Of a month without any telemetry, production requests tell what was used.
uses as (

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
        {{ shares_month }} as month,
        'spans' as told_by,
        started_on as used_on,
        originating_feature_id as feature_id,
        user_id,
        tenant_id as account_id,
        count(distinct trace_key) as uses,
        0 as answers
    from {{ ref('int_current_feature_shares') }}
    where
        purpose = 'production'
        and originating_feature_id != 'unlabelled'
        and {{ is_touched(shares_month, 'month', 'product') }}
        and {{ shares_month }} not in (select events.month from events)
    group by {{ shares_month }}, started_on, originating_feature_id, user_id, tenant_id

)

select
    uses.month,
    uses.told_by,
    uses.used_on,
    uses.feature_id,
    uses.user_id,
    -- An event that names no account is of its user's.
    coalesce(uses.account_id, users.account_id) as account_id,
    coalesce(users.plan, accounts.plan, 'unknown') as plan,
    coalesce(users.segment, accounts.segment, 'unknown') as segment,
    cast(sum(uses.uses) as bigint) as uses,
    cast(sum(uses.answers) as bigint) as answers
from uses
{{ cohorts_of('uses') }}
group by
    uses.month,
    uses.told_by,
    uses.used_on,
    uses.feature_id,
    uses.user_id,
    coalesce(uses.account_id, users.account_id),
    coalesce(users.plan, accounts.plan, 'unknown'),
    coalesce(users.segment, accounts.segment, 'unknown')
