{% set meters = {
    'input': 'input_tokens - input_cached_tokens - input_audio_tokens + input_cached_audio_tokens',
    'cached_input': 'input_cached_tokens',
    'audio_input': 'input_audio_tokens - input_cached_audio_tokens',
    'output': 'output_tokens - output_audio_tokens',
    'audio_output': 'output_audio_tokens',
} %}
{% set counts = [
    'input_tokens', 'input_cached_tokens', 'input_audio_tokens', 'input_cached_audio_tokens', 'output_tokens',
    'output_audio_tokens'
] %}
with usage as (

    select
        {% for count in counts %}
            coalesce({{ count }}, 0) as {{ count }},
        {% endfor %}
        {{ all_but('', counts) }}
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
        cast(null as string) as meter_name,
        0 as quantity
    from usage
    where input_tokens + output_tokens = 0

)

select
    'openai' as provider,
    {{ line_origin('openai_usage', 'usage') }},
    organization_id as account_id,
    coalesce(api_key_id, project_id) as api_key,
    project_id as project,
    {{ bucket_times() }},
    start_time as covers_from,
    end_time - interval 1 microsecond as covers_to,
    lower(model) as model_name,
    meter_name,
    -- In a file that tells tiers apart, silence is the standard one.
    case
        when lower(batch) = 'true' then 'batch'
        when meter_name is not null and max(coalesce(batch, service_tier)) over (partition by file_id) is not null
            then {{ price_tier("coalesce(service_tier, '')", "cast(null as string)") }}
    end as service_tier,
    cast(quantity as decimal(38, 6)) as quantity,
    operation as service_name,
    case when meter_name is null then 'bucket' else 'usage' end as category
from metered
where quantity > 0 or meter_name is null
