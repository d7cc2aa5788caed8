with daily as (

    select
        *,
        coalesce(prompt_tokens, 0) + coalesce(completion_tokens, 0) as all_tokens
    from {{ source('landed', 'litellm_daily') }}

)

-- A gateway's own account of what went through it: evidence, never a bill.
select
    lower(coalesce(custom_llm_provider, 'litellm')) as provider,
    'litellm_daily' as file_kind,
    'gateway' as file_role,
    cast(null as varchar) as account_id,
    cast(null as varchar) as bill_account_id,
    api_key,
    file_id,
    source_file,
    source_line,
    row_no,
    start_time as starts_at,
    end_time - interval 1 microsecond as ends_at,
    min(start_time) over (partition by file_id) as covers_from,
    max(end_time) over (partition by file_id) - interval 1 microsecond as covers_to,
    cast(null as varchar) as response_id,
    lower(model) as model_name,
    'tokens' as meter_name,
    cast(null as varchar) as service_tier,
    cast(all_tokens as decimal(38, 6)) as quantity,
    cast(coalesce(spend, 0) as decimal(38, 18)) as billed_amount,
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
