with calls as (

    select * from {{ source('landed', 'openrouter_activity') }}

),

-- An activity file says no period: it covers the time from its first to its last row, per key.
periods as (

    select
        file_id,
        api_key_name,
        min(created_at) as covers_from,
        max(created_at) as covers_to
    from calls
    group by file_id, api_key_name

),

activity as (

    select
        calls.*,
        periods.covers_from,
        periods.covers_to
    from calls
    inner join periods on {{ are_same('calls', 'periods', ['file_id', 'api_key_name']) }}

),

daily as (

    select * from {{ source('landed', 'openrouter_daily') }}

)

select
    'openrouter' as provider,
    {{ line_origin('openrouter_activity', 'bill') }},
    api_key_name as api_key,
    created_at as starts_at,
    created_at as ends_at,
    covers_from,
    covers_to,
    generation_id as response_id,
    -- Free and other variants have prices of their own.
    lower(model_permaslug) || case when variant not in ('standard', '') then ':' || lower(variant) else '' end
        as model_name,
    'tokens' as meter_name,
    -- A call with one's own key at a provider is that provider's bill: here it costs a fee, which no token counts.
    cast(
        case when byok_usage_inference > 0 then 0 else coalesce(tokens_prompt, 0) + coalesce(tokens_completion, 0) end
        as decimal(38, 6)
    ) as quantity,
    cast(cost_total as decimal(38, 18)) as billed_amount,
    case when byok_usage_inference > 0 then lower(coalesce(provider_name, split_part(model_permaslug, '/', 1))) end
        as own_key_provider,
    case when byok_usage_inference > 0 then cast(byok_usage_inference as decimal(38, 18)) end as own_key_usd,
    coalesce(lower(cancelled) = 'true' or lower(finish_reason_normalized) like '%cancel%', false) as is_cancelled,
    coalesce(lower(finish_reason_normalized) like '%error%', false) as is_failed,
    'usage' as category
from activity

union all

select
    'openrouter' as provider,
    {{ line_origin('openrouter_daily', 'bill') }},
    cast(null as string) as api_key,
    {{ bucket_times() }},
    {{ covers_from_first_to_last() }},
    cast(null as string) as response_id,
    lower(model_permaslug) as model_name,
    'tokens' as meter_name,
    -- Usage with one's own key at the provider is that provider's bill.
    cast(coalesce(tokens_prompt, 0) + coalesce(tokens_completion, 0) as decimal(38, 6)) as quantity,
    cast(coalesce(cost_total, 0) as decimal(38, 18)) as billed_amount,
    cast(null as string) as own_key_provider,
    cast(null as decimal(38, 18)) as own_key_usd,
    false as is_cancelled,
    false as is_failed,
    'usage' as category
from daily
