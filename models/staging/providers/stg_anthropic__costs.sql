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
    -- Tokens have a tier, and a row that names none is of the standard one; searches and sessions have none.
    case
        when
            coalesce(model, token_type) is not null
            and not {{ has_pattern("lower(concat_ws(' ', token_type, cost_type))", 'search|session|execution') }}
            then {{ price_tier("concat_ws(' ', usage_type, service_tier)", 'speed') }}
    end as service_tier,
    coalesce(cost_usd, 0) as billed_amount,
    upper(coalesce(currency, 'USD')) as currency,
    cost_type as service_name,
    nullif(concat_ws(' | ', context_window, lower(inference_geo)), '') as sku,
    coalesce(description, token_type, cost_type) as description,
    case when cost_usd is null then 'bucket' when model is not null then 'usage' end as category,
    is_rounded,
    case when workspace is not null then {{ json_of({'workspace': 'workspace'}) }} end as tags
from costs
