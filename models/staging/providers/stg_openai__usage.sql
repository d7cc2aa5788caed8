{% set meters = {
    'input': 'input_tokens - input_cached_tokens - input_audio_tokens + input_cached_audio_tokens',
    'cached_input': 'input_cached_tokens',
    'audio_input': 'input_audio_tokens - input_cached_audio_tokens',
    'output': 'output_tokens - output_audio_tokens',
    'audio_output': 'output_audio_tokens',
} %}
with usage as (

    select
        * replace (
            coalesce(input_tokens, 0) as input_tokens,
            coalesce(input_cached_tokens, 0) as input_cached_tokens,
            coalesce(input_audio_tokens, 0) as input_audio_tokens,
            coalesce(input_cached_audio_tokens, 0) as input_cached_audio_tokens,
            coalesce(output_tokens, 0) as output_tokens,
            coalesce(output_audio_tokens, 0) as output_audio_tokens
        )
    from {{ source('landed', 'openai_usage') }}

),

metered as (

    {% for meter, quantity in meters.items() %}
        select
            *,
            '{{ meter }}' as meter_name,
            {{ quantity }} as quantity
        from usage
        union all
    {% endfor %}
    -- A bucket without use says that the file covers it.
    select
        *,
        cast(null as varchar) as meter_name,
        0 as quantity
    from usage
    where input_tokens + output_tokens = 0

)

select
    'openai' as provider,
    'openai_usage' as file_kind,
    'usage' as file_role,
    organization_id as account_id,
    cast(null as varchar) as bill_account_id,
    coalesce(api_key_id, project_id) as api_key,
    file_id,
    source_file,
    source_line,
    row_no,
    start_time as starts_at,
    end_time - interval 1 microsecond as ends_at,
    start_time as covers_from,
    end_time - interval 1 microsecond as covers_to,
    cast(null as varchar) as response_id,
    lower(model) as model_name,
    meter_name,
    case when lower(batch) = 'true' then 'batch' else lower(service_tier) end as service_tier,
    cast(quantity as decimal(38, 6)) as quantity,
    cast(0 as decimal(38, 18)) as billed_amount,
    cast(null as decimal(38, 18)) as effective_amount,
    'USD' as currency,
    operation as service_name,
    cast(null as varchar) as sku,
    cast(null as varchar) as description,
    case when meter_name is null then 'bucket' else 'usage' end as category,
    false as is_rounded,
    cast(null as varchar) as invoice_id,
    cast(null as varchar) as resource
from metered
where quantity > 0 or meter_name is null
