with daily as (

    select
        *,
        coalesce(prompt_tokens, 0) + coalesce(completion_tokens, 0) as all_tokens
    from {{ source('landed', 'litellm_daily') }}

)

-- A gateway's own account of what went through it: evidence, never a bill.
select
    lower(coalesce(custom_llm_provider, 'litellm')) as provider,
    {{ line_origin('litellm_daily', 'gateway') }},
    api_key,
    {{ bucket_times() }},
    {{ covers_from_first_to_last() }},
    lower(model) as model_name,
    'tokens' as meter_name,
    cast(all_tokens as decimal(38, 6)) as quantity,
    cast(coalesce(spend, 0) as decimal(38, 18)) as billed_amount,
    {{ unsaid([
        'account_id', 'bill_account_id', 'response_id', 'service_tier', 'effective_amount', 'currency',
        'service_name', 'sku', 'description', 'category', 'is_rounded', 'invoice_id', 'resource'
    ]) }}
from daily
