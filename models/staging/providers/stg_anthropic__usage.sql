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
        cast(null as string) as meter_name,
        0 as quantity
    from usage
    where model is null

)

select
    'anthropic' as provider,
    {{ line_origin('anthropic_usage', 'usage') }},
    coalesce(api_key, api_key_id, workspace) as api_key,
    workspace as project,
    {{ bucket_times() }},
    {{ covers_from_first_to_last() }},
    lower(model) as model_name,
    meter_name,
    -- In a file that tells tiers apart, silence is the standard one.
    case
        when
            meter_name is not null
            and max(coalesce(usage_type, service_tier, speed)) over (partition by file_id) is not null
            then {{ price_tier("concat_ws(' ', usage_type, service_tier)", 'speed') }}
    end as service_tier,
    cast(quantity as decimal(38, 6)) as quantity,
    nullif(concat_ws(' | ', context_window, lower(inference_geo)), '') as sku,
    case when meter_name is null then 'bucket' else 'usage' end as category
from metered
where quantity > 0 or meter_name is null
