{{ config(materialized="view", meta={"rebuilt_at_news_of": "product"}) }}
with customer_plans as (

    select * from {{ ref('int_customer_plans') }}

),

-- The user and account that all events of a trace agree on.
event_customers as (

    select
        trace_key,
        case when count(distinct user_id) = 1 then min(user_id) end as user_id,
        case when count(distinct account_id) = 1 then min(account_id) end as account_id
    from {{ ref('int_usage_event_traces') }}
    where method in ('trace_id', 'request_id')
    group by trace_key

),

-- A trace that one request caused is part of that request. A batch of several requests belongs to none.
caused_traces as (

    select
        trace_key,
        max(case when is_only_request then request_key end) as request_key
    from {{ ref('int_traces_caused') }}
    group by trace_key

),

shares as (

    select
        shares.*,
        cast(date_trunc('month', shares.started_on) as date) as month,
        event_customers.user_id as event_user_id,
        event_customers.account_id as event_account_id,
        case when caused_traces.trace_key is null then shares.trace_key else caused_traces.request_key end
            as request_key
    from {{ ref('int_current_feature_shares') }} as shares
    left join event_customers on shares.trace_key = event_customers.trace_key
    left join caused_traces on shares.trace_key = caused_traces.trace_key
    where {{ is_touched("cast(date_trunc('month', shares.started_on) as date)", 'month', 'product') }}

)

{# The span's own ids take precedence. Those of its events count where the user files do not have the span's. #}
{% set known = ['users', 'accounts', 'event_users', 'event_accounts'] %}
select
    shares.month,
    shares.started_on,
    shares.originating_feature_id as feature_id,
    coalesce({{ known | join('.plan, ') }}.plan, 'unknown') as plan,
    coalesce({{ known | join('.segment, ') }}.segment, 'unknown') as segment,
    -- As in the chargeback, cost without a feature is unattributed, whatever its purpose.
    case when shares.originating_feature_id = 'unlabelled' then 'unknown' else shares.purpose end as purpose,
    shares.basis,
    shares.is_sampled,
    shares.adjusted_count,
    shares.trace_key,
    shares.request_key,
    coalesce(shares.user_id, shares.event_user_id) as user_id,
    coalesce(shares.tenant_id, users.account_id, shares.event_account_id, event_users.account_id) as account_id,
    coalesce(shares.pnl_usd, 0) as amount_usd
from shares
left join customer_plans as users
    on shares.month = users.month and shares.user_id = users.id and users.kind = 'user'
left join customer_plans as accounts
    on shares.month = accounts.month and shares.tenant_id = accounts.id and accounts.kind = 'account'
left join customer_plans as event_users
    on shares.month = event_users.month and shares.event_user_id = event_users.id and event_users.kind = 'user'
left join customer_plans as event_accounts
    on
        shares.month = event_accounts.month
        and shares.event_account_id = event_accounts.id
        and event_accounts.kind = 'account'

union all

-- Postings that no call explains have no customer.
select
    cast(date_trunc('month', postings.incurred_on) as date) as month,
    postings.incurred_on as started_on,
    coalesce(chains.newest_feature_id, postings.feature_id) as feature_id,
    'unknown' as plan,
    'unknown' as segment,
    postings.purpose,
    postings.basis,
    false as is_sampled,
    cast(null as decimal(18, 6)) as adjusted_count,
    cast(null as bigint) as trace_key,
    cast(null as bigint) as request_key,
    null as user_id,
    null as account_id,
    postings.amount_usd
from {{ ref('int_daily_costs') }} as postings
left join {{ ref('stg_catalog__feature_chains') }} as chains on postings.feature_id = chains.feature_id
where
    postings.pool in ('untraced', 'tagged', 'idle', 'invoice_only', 'shared')
    and {{ is_touched("cast(date_trunc('month', postings.incurred_on) as date)", 'month', 'product') }}
