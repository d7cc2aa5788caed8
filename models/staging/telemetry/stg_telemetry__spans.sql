with normalised as (

    select
        *,
        lower(operation) as operation_name,
        lower(coalesce(error_type, '') || ' ' || coalesce(finish_reason, '')) as ending,
        -- Spans without a time stand under 1970-01-01.
        day as started_on,
        {% for counted in ['cache_read', 'cache_write_1h', 'reasoning', 'audio_input', 'audio_output'] %}
            coalesce({{ counted }}_tokens, 0) as {{ counted }},
        {% endfor %}
        -- Exports that split writes by lifetime state the total as well.
        greatest(coalesce(cache_write_tokens, 0), coalesce(cache_write_1h_tokens, 0)) as cache_write,
        -- Embedding exports may state nothing but the total, which is input.
        coalesce(input_tokens, case when output_tokens is null then total_tokens end, 0) as stated_input,
        coalesce(output_tokens, 0) as stated_output,
        input_tokens is not null or output_tokens is not null or total_tokens is not null as has_usage
    from {{ source('landed', 'spans') }}

),

with_convention as (

    select
        *,
        case
            -- More cached than input: the input can't contain them, whatever the convention says.
            when cache_read + cache_write > stated_input then false
            else coalesce(input_includes_cached, true)
        end as is_cached_in_input,
        case
            when cache_read + cache_write > stated_input then 'arithmetic'
            when input_includes_cached is not null then 'convention'
            else 'default'
        end as cached_input_rule,
        case
            when reasoning > stated_output or not coalesce(output_includes_reasoning, true) then 0
            -- The total tells where the convention is silent or wrong.
            when reasoning > 0 and total_tokens = stated_input + stated_output + reasoning then 0
            else reasoning
        end as reasoning_in_output
    from normalised

),

disjoint as (

    select
        *,
        stated_input
        - case when is_cached_in_input then cache_read + cache_write else 0 end as uncached_input,
        -- A total above its parts shows tokens that the export lost: thinking tokens, billed as output.
        greatest(
            coalesce(total_tokens, 0)
            - stated_input - case when is_cached_in_input then 0 else cache_read + cache_write end
            - stated_output - (reasoning - reasoning_in_output),
            0
        ) as lost
    from with_convention

)

select
    file_id,
    trace_key,
    span_key,
    parent_span_key,
    trace_id,
    span_id,
    name as span_name,
    tool_name,
    -- Who asked did not wait, or the provider stopped: clients name the exception, providers the reason.
    ending like '%cancel%' or ending like '%abort%' as is_cancelled,
    status = 'error' or error_type is not null or ending like '%error%' as is_failed,
    coalesce(try_cast(resend_count as integer), 0) as resend_count,
    started_at,
    ended_at,
    started_on,
    operation_name,
    provider as provider_name,
    server_address,
    model as model_name,
    response_id,
    request_id,
    session_id,
    user_id,
    tenant_id,
    coalesce(prompt_version, prompt_name) as prompt_version,
    coalesce(prompt_template, prompt_name) as prompt_template,
    {{ price_tier('service_tier', 'speed') }} as service_tier,
    lower(inference_geo) as inference_geo,
    service_name,
    environment,
    route,
    evaluation_run_id,
    api_key,
    account_id,
    feature_id,
    team_id,
    trace_feature_id,
    trace_team_id,
    lower(purpose) as purpose,
    output_key,
    links,
    stated_usd,
    has_usage,
    coalesce(usage_convention, '') = 'provider' as is_provider_usage,
    cached_input_rule,
    uncached_input + cache_read + cache_write as all_input_tokens,
    stated_output + reasoning - reasoning_in_output + lost as all_output_tokens,
    greatest(uncached_input - audio_input, 0) as input_tokens,
    cache_read as cache_read_tokens,
    cache_write - cache_write_1h as cache_write_5m_tokens,
    cache_write_1h as cache_write_1h_tokens,
    least(audio_input, uncached_input) as audio_input_tokens,
    greatest(stated_output - reasoning_in_output - audio_output, 0) as output_tokens,
    reasoning + lost as reasoning_tokens,
    least(audio_output, stated_output - reasoning_in_output) as audio_output_tokens,
    coalesce(image_input_tokens, 0) as image_input_tokens,
    coalesce(image_output_tokens, 0) as image_output_tokens,
    coalesce(web_search_requests, 0) as web_search_requests,
    coalesce(requests, 0) as requests,
    coalesce(cache_write_5m_tokens, cache_write_1h_tokens) is not null as is_cache_write_timed,
    -- What an export says of itself decides; where it says nothing, a model and its tokens do.
    coalesce({{ is_billable_operation('operation_name') }}, model is not null and has_usage) as is_billable
from disjoint
