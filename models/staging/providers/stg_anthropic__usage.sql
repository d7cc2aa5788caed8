{% set meters = [
    'input_tokens_no_cache', 'input_tokens_cache_write_5m', 'input_tokens_cache_write_1h', 'input_tokens_cache_read',
    'output_tokens', 'web_search_count'
] %}
with usage as (

    select * from {{ source('landed', 'anthropic_usage') }}

),

metered as (

    {% for meter in meters %}
        select
            *,
            '{{ meter }}' as meter_name,
            {{ meter }} as quantity
        from usage
        union all
    {% endfor %}
    -- A bucket without use says that the file covers it.
    select
        *,
        cast(null as varchar) as meter_name,
        0 as quantity
    from usage
    where model is null

)

select
    'anthropic' as provider,
    'anthropic_usage' as file_kind,
    'usage' as file_role,
    cast(null as varchar) as account_id,
    cast(null as varchar) as bill_account_id,
    coalesce(api_key, api_key_id, workspace) as api_key,
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
    meter_name,
    case when lower(usage_type) like '%batch%' then 'batch' else lower(service_tier) end as service_tier,
    cast(quantity as decimal(38, 6)) as quantity,
    cast(0 as decimal(38, 18)) as billed_amount,
    cast(null as decimal(38, 18)) as effective_amount,
    'USD' as currency,
    cast(null as varchar) as service_name,
    context_window as sku,
    cast(null as varchar) as description,
    case when meter_name is null then 'bucket' else 'usage' end as category,
    false as is_rounded,
    cast(null as varchar) as invoice_id,
    cast(null as varchar) as resource
from metered
where quantity > 0 or meter_name is null
