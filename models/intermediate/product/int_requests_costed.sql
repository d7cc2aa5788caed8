-- one row per production request, feature, plan, segment, day, user and account that it, or a batch for it, costs
{{ config(materialized="view") }}
with caused as (

    select * from {{ ref('int_traces_caused') }}

),

begun as (

    select
        trace_key,
        min(started_on) as began_on
    from {{ ref('int_current_feature_shares') }}
    where trace_key in (select caused.request_key from caused)
    group by trace_key

)

select distinct
    costs.month,
    costs.feature_id,
    costs.plan,
    costs.segment,
    costs.started_on,
    costs.user_id,
    costs.account_id,
    coalesce(costs.request_key, caused.request_key) as request_key
from {{ ref('int_feature_costs') }} as costs
left join caused on costs.request_key is null and {{ is_request_of('caused', 'costs') }}
left join begun on coalesce(costs.request_key, caused.request_key) = begun.trace_key
where
    costs.purpose = 'production'
    and coalesce(costs.request_key, caused.request_key) is not null
    -- A request that has calls of its own counts by them: a batch adds none, nor work that it causes in a later month.
    and case
        when costs.request_key is null then begun.trace_key is null
        else coalesce(begun.began_on, costs.month) >= costs.month
    end
