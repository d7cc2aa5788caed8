with costs as (

    select
        *,
        coalesce(regexp_matches(lower(line_item), 'credit|refund|adjustment|grant'), false) as is_credit,
        -- The model stands before the last comma, the meter after it: "gpt-5-nano, input_tokens".
        case when not is_credit then regexp_extract(line_item, '^(.*), *([^,]+)$', 1) end as model_part,
        case when not is_credit then regexp_extract(line_item, '^(.*), *([^,]+)$', 2) end as meter_part
    from {{ source('landed', 'openai_costs') }}

)

select
    'openai' as provider,
    'openai_costs' as file_kind,
    'bill' as file_role,
    organization_id as account_id,
    cast(null as varchar) as bill_account_id,
    coalesce(api_key_id, project_id) as api_key,
    file_id,
    source_file,
    source_line,
    row_no,
    start_time as starts_at,
    end_time - interval 1 microsecond as ends_at,
    -- Buckets without use are rows of their own: the bill covers its buckets and no time between them.
    start_time as covers_from,
    end_time - interval 1 microsecond as covers_to,
    cast(null as varchar) as response_id,
    nullif(lower(model_part), '') as model_name,
    nullif(lower(meter_part), '') as meter_name,
    cast(null as varchar) as service_tier,
    cast(quantity as decimal(38, 6)) as quantity,
    cast(coalesce(amount_value, 0) as decimal(38, 18)) as billed_amount,
    cast(null as decimal(38, 18)) as effective_amount,
    upper(coalesce(amount_currency, 'usd')) as currency,
    cast(null as varchar) as service_name,
    cast(null as varchar) as sku,
    line_item as description,
    -- A line without a meter names no use: fees, credits, taxes, and totals of days that nobody itemised.
    case
        when line_item is null and amount_value is null then 'bucket'
        when coalesce(meter_part, '') != '' then 'usage'
    end as category,
    false as is_rounded,
    cast(null as varchar) as invoice_id,
    cast(null as varchar) as resource
from costs
