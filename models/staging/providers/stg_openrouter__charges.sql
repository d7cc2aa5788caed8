with activity as (

    select * from {{ source('landed', 'openrouter_activity') }}

),

daily as (

    select * from {{ source('landed', 'openrouter_daily') }}

)

select
    'openrouter' as provider,
    'openrouter_activity' as file_kind,
    'bill' as file_role,
    cast(null as varchar) as account_id,
    cast(null as varchar) as bill_account_id,
    api_key_name as api_key,
    file_id,
    source_file,
    source_line,
    row_no,
    created_at as starts_at,
    created_at as ends_at,
    -- An activity file says no period: it covers the time from its first to its last row, per key.
    min(created_at) over (partition by file_id, api_key_name) as covers_from,
    max(created_at) over (partition by file_id, api_key_name) as covers_to,
    generation_id as response_id,
    -- Free and other variants have prices of their own.
    lower(model_permaslug) || case when variant not in ('standard', '') then ':' || lower(variant) else '' end
        as model_name,
    'tokens' as meter_name,
    cast(null as varchar) as service_tier,
    cast(coalesce(tokens_prompt, 0) + coalesce(tokens_completion, 0) as decimal(38, 6)) as quantity,
    cast(cost_total as decimal(38, 18)) as billed_amount,
    cast(null as decimal(38, 18)) as effective_amount,
    'USD' as currency,
    cast(null as varchar) as service_name,
    cast(null as varchar) as sku,
    cast(null as varchar) as description,
    'usage' as category,
    false as is_rounded,
    cast(null as varchar) as invoice_id,
    cast(null as varchar) as resource
from activity

union all

select
    'openrouter' as provider,
    'openrouter_daily' as file_kind,
    'bill' as file_role,
    cast(null as varchar) as account_id,
    cast(null as varchar) as bill_account_id,
    cast(null as varchar) as api_key,
    file_id,
    source_file,
    source_line,
    row_no,
    start_time as starts_at,
    end_time - interval 1 microsecond as ends_at,
    min(start_time) over (partition by file_id) as covers_from,
    max(end_time) over (partition by file_id) - interval 1 microsecond as covers_to,
    cast(null as varchar) as response_id,
    lower(model_permaslug) as model_name,
    'tokens' as meter_name,
    cast(null as varchar) as service_tier,
    -- Usage with one's own key at the provider is that provider's bill.
    cast(coalesce(tokens_prompt, 0) + coalesce(tokens_completion, 0) as decimal(38, 6)) as quantity,
    cast(coalesce(cost_total, 0) as decimal(38, 18)) as billed_amount,
    cast(null as decimal(38, 18)) as effective_amount,
    'USD' as currency,
    cast(null as varchar) as service_name,
    cast(null as varchar) as sku,
    cast(null as varchar) as description,
    'usage' as category,
    false as is_rounded,
    cast(null as varchar) as invoice_id,
    cast(null as varchar) as resource
from daily
