with spans as (

    select
        *,
        lower(operation) as operation_name,
        {{ operation_kind('lower(operation)') }} as operation_kind,
        lower(coalesce(error_type, '') || ' ' || coalesce(finish_reason, '')) as ending,
        coalesce(input_tokens, output_tokens, total_tokens) is not null or coalesce(unreadable, '') > '' as has_usage
    from {{ source('landed', 'spans') }}

),

{{ usage_solver('spans') }}

select
    file_id,
    format,
    scope_name,
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
    -- Spans without a time stand under 1970-01-01.
    day as started_on,
    operation_name,
    provider as provider_name,
    server_address,
    model as model_name,
    {{ answered_id('response_id', 'span_id') }} as response_id,
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
    -- Landing names such labels and leaves them out; spans that landed earlier may have them.
    {{ unreserved('feature_id', 'feature', is_trimmed=true) }} as feature_id,
    {{ unreserved('team_id', 'team', is_trimmed=true) }} as team_id,
    {{ unreserved('trace_feature_id', 'feature', is_trimmed=true) }} as trace_feature_id,
    {{ unreserved('trace_team_id', 'team', is_trimmed=true) }} as trace_team_id,
    lower(purpose) as purpose,
    output_key,
    links,
    -- How many spans this one stands for where traces are sampled; null where nothing says it, as in spans that landed
    -- before it was read.
    adjusted_count,
    -- Kept by a sampler that looks at whole traces and says no count: what it dropped can't be told from what it kept.
    coalesce(is_tail_sampled, false) as is_tail_sampled,
    stated_usd,
    has_usage,
    coalesce(usage_convention, '') like 'provider%' as is_provider_usage,
    usage_rule as cached_input_rule,
    usage_rule in ('ambiguous', 'default') as is_ambiguous_usage,
    unexplained as unexplained_tokens,
    nullif(unreadable, '') as unreadable,
    -- A call is never priced by the counts that are left where its input or output could not be read.
    case
        -- A total restores one count, not two.
        when is_restored and coalesce(input_tokens, output_tokens) is not null then null
        when input_tokens is null and ',' || unreadable || ',' like '%,input_tokens,%' then 'unreadable_count'
        when output_tokens is null and ',' || unreadable || ',' like '%,output_tokens,%' then 'unreadable_count'
        when input_tokens is null and output_tokens > 0 then 'no_input_count'
    end as usage_fault,
    all_input as all_input_tokens,
    all_output as all_output_tokens,
    plain_input as input_tokens,
    cache_read as cache_read_tokens,
    cache_write - cache_write_1h as cache_write_5m_tokens,
    cache_write_1h as cache_write_1h_tokens,
    audio_input as audio_input_tokens,
    image_input as image_input_tokens,
    text_output as output_tokens,
    reasoning as reasoning_tokens,
    audio_output as audio_output_tokens,
    image_output as image_output_tokens,
    coalesce(web_search_requests, 0) as web_search_requests,
    coalesce(requests, 0) as requests,
    coalesce(cache_write_5m_tokens, cache_write_1h_tokens) is not null as is_cache_write_timed,
    -- A span that states a model and usage is a call, unless its operation says that it is not.
    coalesce(operation_kind = 'call', model is not null and has_usage) as is_billable,
    -- Billable only as long as no billable span is beneath it: int_billable_spans looks.
    operation_kind is null and model is not null and has_usage as is_unknown_operation
from solved_usage
