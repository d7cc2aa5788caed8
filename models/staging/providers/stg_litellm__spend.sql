{% set absent = [
    'total', 'cache_write_5m', 'cache_write_1h', 'reasoning', 'tool_use', 'audio_input', 'audio_output', 'image_input',
    'image_output'
] %}
with daily as (

    select
        {{ all_but('landed', ['prompt_tokens', 'completion_tokens', 'cache_creation_input_tokens',
            'cache_read_input_tokens']) }},
        landed.prompt_tokens as input_tokens,
        landed.completion_tokens as output_tokens,
        landed.cache_read_input_tokens as cache_read_tokens,
        landed.cache_creation_input_tokens as cache_write_tokens,
        {% for count in absent %}
            cast(null as bigint) as {{ count }}_tokens,
        {% endfor %}
        conventions.cached = 'inside' as input_includes_cached,
        conventions.reasoning = 'inside' as output_includes_reasoning,
        conventions.tool_use = 'inside' as input_includes_tool_use,
        conventions.media = 'inside' as includes_media,
        conventions.total as total_kind,
        conventions.excess as total_excess
    from {{ source('landed', 'litellm_daily') }} as landed
    left join {{ ref('usage_conventions') }} as conventions
        on conventions.convention = 'litellm' and conventions.scope_name is null and conventions.provider is null

),

{{ usage_solver('daily') }}

-- A gateway's own account of what went through it: evidence, never a bill.
select
    lower(coalesce(custom_llm_provider, 'litellm')) as provider,
    {{ line_origin('litellm_daily', 'gateway') }},
    api_key,
    {{ bucket_times() }},
    {{ covers_from_first_to_last() }},
    lower(model) as model_name,
    'tokens' as meter_name,
    cast(all_input + all_output as decimal(38, 6)) as quantity,
    cast(coalesce(spend, 0) as decimal(38, 18)) as billed_amount,
    'usage' as category
from solved_usage
