-- one row per day, feature, user and account: how often it was used, with plan and segment of the month
{{ replaces_touched("month", by="month", rebuilt_at_news_of="product") }}
{% set shares_month = "cast(date_trunc('month', started_on) as date)" %}
with cohorts as (

    select * from {{ ref('int_cohorts_assigned') }}

),

events as (

    select
        events.*,
        case when joined.method != 'none' then events.answers else 0 end as joined_answers
    from {{ ref('stg_product__usage_events') }} as events
    left join {{ ref('int_events_joined') }} as joined on events.event_id = joined.event_id and joined.place = 1
    where {{ is_touched('events.month', 'month', 'product') }}

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
        sum(answers) as answers,
        sum(joined_answers) as joined_answers
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
        0 as answers,
        0 as joined_answers
    from {{ ref('int_shares_continued') }}
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
    cast(sum(uses.answers) as bigint) as answers,
    cast(sum(uses.joined_answers) as bigint) as joined_answers
from uses
left join cohorts as users
    on uses.month = users.month and uses.user_id = users.id and users.kind = 'user'
left join cohorts as accounts
    on
        uses.month = accounts.month
        and coalesce(uses.account_id, users.account_id) = accounts.id
        and accounts.kind = 'account'
group by
    uses.month,
    uses.told_by,
    uses.used_on,
    uses.feature_id,
    uses.user_id,
    coalesce(uses.account_id, users.account_id),
    coalesce(users.plan, accounts.plan, 'unknown'),
    coalesce(users.segment, accounts.segment, 'unknown')
