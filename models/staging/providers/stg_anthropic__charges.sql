with costs as (

    select * from {{ source('landed', 'anthropic_costs') }}

)

select
    'anthropic' as provider,
    {{ line_origin('anthropic_costs', 'bill') }},
    coalesce(api_key, api_key_id, workspace) as api_key,
    workspace as project,
    {{ bucket_times() }},
    -- The Console lists no day without use: a file covers its first to its last day.
    {{ covers_from_first_to_last() }},
    lower(coalesce(model, nullif(regexp_extract(description, '^(.*) Usage - ', 1), ''))) as model_name,
    lower(coalesce(token_type, nullif(cost_type, 'tokens'), usage_type)) as meter_name,
    case when lower(usage_type) like '%batch%' then 'batch' else lower(service_tier) end as service_tier,
    coalesce(cost_usd, 0) as billed_amount,
    upper(coalesce(currency, 'USD')) as currency,
    cost_type as service_name,
    context_window as sku,
    coalesce(description, token_type, cost_type) as description,
    case when cost_usd is null then 'bucket' when model is not null then 'usage' end as category,
    is_rounded,
    case when workspace is not null then {{ json_of({'workspace': 'workspace'}) }} end as tags,
    {{ unsaid([
        'account_id', 'bill_account_id', 'response_id', 'quantity', 'effective_amount', 'invoice_id',
        'resource', 'region', 'own_key_provider', 'own_key_usd', 'ai_sign'
    ]) }}
from costs
