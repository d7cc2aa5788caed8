with priced_usage as (

    select
        call_key,
        cast(sum(quantity) as bigint) as quantity,
        sum(priced_usd) as priced_usd,
        sum({{ money('quantity * list_price_usd') }}) as list_usd,
        sum(coalesce(write_premium_usd, 0)) as write_premium_usd,
        max(cache_write_rule) as cache_write_rule,
        bool_or(is_assumed) as is_assumed,
        bool_or(unit_price_usd is null) as is_in_no_book,
        bool_or(list_price_usd is null) as is_in_no_list,
        -- True if the book has no price even for the meters that it does not price separately.
        bool_or(unit_price_usd is null and meter not in (
            'audio_input', 'audio_output', 'image_input', 'image_output', 'web_search', 'request'
        )) as is_plain_in_no_book
    from {{ ref('int_usage_items') }}
    group by call_key

),

-- A price is that of all that a call used, or none.
calls as (

    select
        calls.*,
        priced_usage.quantity,
        priced_usage.priced_usd,
        priced_usage.list_usd,
        priced_usage.is_in_no_list,
        priced_usage.write_premium_usd,
        priced_usage.cache_write_rule,
        priced_usage.is_assumed,
        priced_usage.is_in_no_book,
        priced_usage.is_plain_in_no_book or calls.tool_meter is not null as is_plain_in_no_book,
        coalesce(not priced_usage.is_in_no_book, false) and calls.usage_fault is null as is_priced
    from {{ ref('int_call_providers') }} as calls
    left join priced_usage on calls.call_key = priced_usage.call_key

)

select
    call_key,
    trace_key,
    provider,
    vendor,
    account_id,
    api_key,
    is_on_bill,
    started_on,
    model,
    coalesce(quantity, 0) as quantity,
    {{ money('stated_usd') }} as stated_usd,
    case when is_priced then {{ money('priced_usd') }} end as priced_usd,
    case when is_priced and not is_in_no_list then {{ money('list_usd') }} end as list_usd,
    case when is_priced and cache_write_rule is not null then {{ money('write_premium_usd') }} end
        as cache_write_premium_usd,
    cache_write_rule,
    is_priced and is_assumed and tool_meter is null as is_price_assumed,
    case
        when started_at is null then 'no_time'
        when model_key is null then 'no_model'
        -- Rerankers bill requests, and count no tokens.
        when not has_usage and requests = 0 then 'no_usage'
        when usage_fault is not null then usage_fault
        when quantity is null then 'no_tokens'
        when is_in_no_book and not is_provider_known then 'provider_not_known'
        when is_in_no_book and is_in_book and not is_plain_in_no_book then 'meter_not_in_price_book'
        when is_in_no_book then 'model_not_in_price_book'
    end as unpriced_reason
from calls
