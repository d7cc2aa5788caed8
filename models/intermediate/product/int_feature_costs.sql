-- one row per share of a call, and per journal that no call explains: its cost with plan and segment of the month
{{ config(materialized="view", meta={"rebuilt_at_news_of": "product"}) }}
with cohorts as (

    select * from {{ ref('int_customer_plans') }}

),

-- What the events of a trace say of its calls, where all of them say the same.
tellers as (

    select
        trace_key,
        case when count(distinct user_id) = 1 then min(user_id) end as user_id,
        case when count(distinct account_id) = 1 then min(account_id) end as account_id
    from {{ ref('int_usage_event_traces') }}
    where method in ('trace_id', 'request_id')
    group by trace_key

),

-- A trace that one request caused is part of that request; a batch of several is none.
caused as (

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
        tellers.user_id as told_user_id,
        tellers.account_id as told_account_id,
        case when caused.trace_key is null then shares.trace_key else caused.request_key end as request_key
    from {{ costed_shares() }} as shares
    left join tellers on shares.trace_key = tellers.trace_key
    left join caused on shares.trace_key = caused.trace_key
    where {{ is_touched("cast(date_trunc('month', shares.started_on) as date)", 'month', 'product') }}

)

{# The span's own ids go first; those of telemetry count where no user file knows them. #}
{% set known = ['users', 'accounts', 'told_users', 'told_accounts'] %}
select
    shares.month,
    shares.started_on,
    shares.originating_feature_id as feature_id,
    coalesce({{ known | join('.plan, ') }}.plan, 'unknown') as plan,
    coalesce({{ known | join('.segment, ') }}.segment, 'unknown') as segment,
    -- As in the chargeback, money without a feature is unattributed, whatever it was for.
    case when shares.originating_feature_id = 'unlabelled' then 'unknown' else shares.purpose end as purpose,
    shares.basis,
    shares.trace_key,
    shares.request_key,
    coalesce(shares.user_id, shares.told_user_id) as user_id,
    coalesce(shares.tenant_id, users.account_id, shares.told_account_id, told_users.account_id) as account_id,
    coalesce(shares.borne_usd, 0) as amount_usd
from shares
{% for relation, kind, id in [
    ('users', 'user', 'user_id'), ('accounts', 'account', 'tenant_id'),
    ('told_users', 'user', 'told_user_id'), ('told_accounts', 'account', 'told_account_id')
] %}
    left join cohorts as {{ relation }}
        on
            shares.month = {{ relation }}.month
            and shares.{{ id }} = {{ relation }}.id
            and {{ relation }}.kind = '{{ kind }}'
{% endfor %}

union all

select
    cast(date_trunc('month', costs.incurred_on) as date) as month,
    costs.incurred_on as started_on,
    coalesce(chains.newest_feature_id, costs.feature_id) as feature_id,
    'unknown' as plan,
    'unknown' as segment,
    costs.purpose,
    costs.basis,
    cast(null as bigint) as trace_key,
    cast(null as bigint) as request_key,
    null as user_id,
    null as account_id,
    costs.amount_usd
from {{ ref('int_costs_journalled') }} as costs
left join {{ ref('stg_catalog__feature_chains') }} as chains on costs.feature_id = chains.feature_id
where
    costs.pool in ('untraced', 'tagged', 'invoice_only', 'shared')
    and {{ is_touched("cast(date_trunc('month', costs.incurred_on) as date)", 'month', 'product') }}
