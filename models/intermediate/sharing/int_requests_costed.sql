-- one row per production request, feature, plan, segment, day, user and account that it, or a batch for it, costs
{{ config(materialized="view") }}
select distinct
    costs.month,
    costs.feature_id,
    costs.plan,
    costs.segment,
    costs.started_on,
    costs.user_id,
    costs.account_id,
    coalesce(costs.request_key, caused.request_key) as request_key
from {{ ref('int_costs_cohorted') }} as costs
left join {{ ref('int_traces_caused') }} as caused
    on costs.request_key is null and {{ is_request_of('caused', 'costs') }}
where costs.purpose = 'production' and coalesce(costs.request_key, caused.request_key) is not null
