-- one row per line of a usage file that stands: quantities with finer keys than bills have, never money
{{ config(materialized="kept", meta={"rebuilt_at_news_of": "bills"}) }}
with lines as (

    select * from {{ ref('int_provider_lines_ranked') }}
    where file_role = 'usage' and is_standing and category = 'usage'

),

models as (

    select * from {{ ref('int_models_billed') }}

),

meters as (

    select * from {{ ref('int_meters_resolved') }}

)

select
    lines.line_id as usage_id,
    lines.provider,
    lines.account_id,
    lines.is_account_unknown,
    lines.api_key,
    lines.charged_on as usage_on,
    models.model,
    coalesce(meters.meter, lines.meter_name) as meter,
    coalesce(meters.service_tier, lines.service_tier) as price_tier,
    {{ context_side('lines.sku') }} as context_side,
    {{ context_limit('lines.sku') }} as context_limit,
    case when lines.provider = 'anthropic' then {{ geo_named('lines.sku') }} end as inference_geo,
    cast(round(lines.quantity) as bigint) as quantity
from lines
left join models on lines.provider = models.provider and lines.model_name = models.model_name
left join meters on lines.provider = meters.provider and lines.meter_name = meters.meter_name
