with costs as (

    select
        *,
        coalesce({{ has_pattern('lower(line_item)', 'credit|refund|adjustment|grant') }}, false) as is_credit,
        -- The model stands before the last comma, the meter after it: "gpt-5-nano, input_tokens".
        case when not is_credit then regexp_extract(line_item, '^(.*), *([^,]+)$', 1) end as model_part,
        case when not is_credit then regexp_extract(line_item, '^(.*), *([^,]+)$', 2) end as meter_part
    from {{ source('landed', 'openai_costs') }}

)

select
    'openai' as provider,
    {{ line_origin('openai_costs', 'bill') }},
    organization_id as account_id,
    coalesce(api_key_id, project_id) as api_key,
    project_id as project,
    {{ bucket_times() }},
    -- Buckets without use are rows of their own: the bill covers its buckets and no time between them.
    start_time as covers_from,
    end_time - interval 1 microsecond as covers_to,
    nullif(lower(model_part), '') as model_name,
    nullif(lower(meter_part), '') as meter_name,
    cast(quantity as decimal(38, 6)) as quantity,
    cast(coalesce(amount_value, 0) as decimal(38, 18)) as billed_amount,
    upper(coalesce(amount_currency, 'usd')) as currency,
    line_item as description,
    case when project_id is not null then {{ json_of({'project': 'project_id'}) }} end as tags,
    -- A line without a meter names no use: fees, credits, taxes, and totals of days that nobody itemised.
    case
        when line_item is null and amount_value is null then 'bucket'
        when coalesce(meter_part, '') != '' then 'usage'
    end as category
from costs
