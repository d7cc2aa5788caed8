-- one row per share of a call, and per journal that no call explains: its cost with plan and segment of the month
{{ config(materialized="view", meta={"rebuilt_at_news_of": "product"}) }}
with cohorts as (

    select * from {{ ref('int_cohorts_assigned') }}

),

shares as (

    select
        *,
        cast(date_trunc('month', started_on) as date) as month
    from {{ ref('int_call_shares') }}
    where {{ is_touched("cast(date_trunc('month', started_on) as date)", 'month', 'product') }}

)

select
    shares.month,
    shares.originating_feature_id as feature_id,
    coalesce(users.plan, accounts.plan, 'unknown') as plan,
    coalesce(users.segment, accounts.segment, 'unknown') as segment,
    shares.purpose,
    shares.basis,
    shares.trace_key,
    shares.user_id,
    coalesce(shares.borne_usd, 0) as amount_usd
from shares
left join cohorts as users
    on shares.month = users.month and shares.user_id = users.id and users.kind = 'user'
left join cohorts as accounts
    on shares.month = accounts.month and shares.tenant_id = accounts.id and accounts.kind = 'account'

union all

select
    cast(date_trunc('month', incurred_on) as date) as month,
    feature_id,
    'unknown' as plan,
    'unknown' as segment,
    purpose,
    basis,
    cast(null as bigint) as trace_key,
    null as user_id,
    amount_usd
from {{ ref('int_costs_journalled') }}
where
    feature_id in ('untraced', 'invoice_only')
    and {{ is_touched("cast(date_trunc('month', incurred_on) as date)", 'month', 'product') }}
