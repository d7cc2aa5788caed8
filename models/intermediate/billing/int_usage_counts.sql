{{ config(materialized="kept", meta={"rebuilt_at_news_of": "bills"}) }}
with types as (

    select * from {{ ref('int_charge_types') }}

)

select
    lines.line_id as usage_id,
    lines.provider,
    lines.account_id,
    lines.is_account_unknown,
    lines.api_key,
    lines.charged_on as usage_on,
    types.stated_model as model,
    coalesce(types.stated_meter, lines.meter_name) as meter,
    coalesce(types.stated_tier, lines.service_tier) as price_tier,
    {{ context_side('lines.sku') }} as context_side,
    {{ context_limit('lines.sku') }} as context_limit,
    case when lines.provider = 'anthropic' then {{ geo_named('lines.sku') }} end as inference_geo,
    cast(round(lines.quantity) as bigint) as quantity
from {{ ref('int_bill_lines') }} as lines
inner join {{ ref('int_bill_line_status') }} as status on lines.line_id = status.line_id
inner join types on lines.kind_id = types.kind_id
where lines.file_role = 'usage' and status.is_standing and lines.category = 'usage'
