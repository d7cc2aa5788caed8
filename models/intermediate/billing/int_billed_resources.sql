{{ config(materialized="kept", meta={"rebuilt_at_news_of": "bills"}) }}
with lines as (

    select distinct
        provider,
        account_id,
        api_key as resource,
        kind_id
    from {{ ref('int_bill_lines') }}
    where file_role = 'bill' and api_key like '%/%' and {{ has_pattern(
        'api_key', 'inference-profile/|provisioned-model/|/deployments/|/endpoints/'
    ) }}

)

select
    lines.provider,
    lines.account_id,
    lines.resource,
    lower(lines.resource) as resource_key,
    {{ model_stem('lines.resource') }} as resource_stem,
    -- A resource that serves several models names none.
    case when count(distinct types.stated_model) = 1 then lower(min(types.stated_model)) end as model
from lines
left join {{ ref('int_charge_types') }} as types on lines.kind_id = types.kind_id and types.is_model_known
group by lines.provider, lines.account_id, lines.resource
