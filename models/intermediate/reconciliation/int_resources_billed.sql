-- one row per profile, deployment or endpoint of an account that bills name: its name, and the model of its lines
{{ config(materialized="kept", meta={"rebuilt_at_news_of": "bills"}) }}
with lines as (

    select distinct
        provider,
        account_id,
        api_key as resource,
        model_name
    from {{ ref('int_provider_lines_unioned') }}
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
    -- One that serves several models tells none.
    case when count(distinct models.model) = 1 then lower(min(models.model)) end as model
from lines
left join {{ ref('int_models_billed') }} as models
    on lines.provider = models.provider and lines.model_name = models.model_name and models.is_known
group by lines.provider, lines.account_id, lines.resource
