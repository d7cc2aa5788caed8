with costs as (

    select * from {{ source('landed', 'anthropic_costs') }}

)

select
    'anthropic' as provider,
    'anthropic_costs' as file_kind,
    'bill' as file_role,
    cast(null as varchar) as account_id,
    cast(null as varchar) as bill_account_id,
    coalesce(api_key, api_key_id, workspace) as api_key,
    file_id,
    source_file,
    source_line,
    row_no,
    start_time as starts_at,
    end_time - interval 1 microsecond as ends_at,
    -- The Console lists no day without use: a file covers its first to its last day.
    min(start_time) over (partition by file_id) as covers_from,
    max(end_time) over (partition by file_id) - interval 1 microsecond as covers_to,
    cast(null as varchar) as response_id,
    lower(coalesce(model, nullif(regexp_extract(description, '^(.*) Usage - ', 1), ''))) as model_name,
    lower(coalesce(token_type, nullif(cost_type, 'tokens'), usage_type)) as meter_name,
    case when lower(usage_type) like '%batch%' then 'batch' else lower(service_tier) end as service_tier,
    cast(null as decimal(38, 6)) as quantity,
    coalesce(cost_usd, 0) as billed_amount,
    cast(null as decimal(38, 18)) as effective_amount,
    upper(coalesce(currency, 'USD')) as currency,
    cost_type as service_name,
    context_window as sku,
    coalesce(description, token_type, cost_type) as description,
    case when cost_usd is null then 'bucket' when model is not null then 'usage' end as category,
    is_rounded,
    cast(null as varchar) as invoice_id,
    cast(null as varchar) as resource
from costs
