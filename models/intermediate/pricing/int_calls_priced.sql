-- one row per call: what it should cost by the price book, or why that can't be said
{% set situation = price_situation() %}
{% set plain = ['provider', 'service_tier', 'long_context_tokens'] %}
{% set meters = call_meters() %}
{% set apart = ['audio_input', 'audio_output', 'image_input', 'image_output', 'web_search', 'request'] %}
{% set amounts = [('tool', 'case when tool_meter is not null then 1 else 0 end')] %}
{% for meter in meters %}
    {% do amounts.append((meter, meter_column(meter))) %}
{% endfor %}
with prices as (

    select
        situation_no,
        {{ situation | join(',\n        ') }},
        {% for meter in meters %}
            max(case when meter = '{{ meter }}' then unit_price_usd end) as {{ meter }}_price,
            max(case when meter = '{{ meter }}' then list_price_usd end) as {{ meter }}_list_price,
            coalesce(bool_or(is_assumed) filter (where meter = '{{ meter }}'), false) as is_{{ meter }}_assumed,
        {% endfor %}
        max(case when meter = tool_meter then unit_price_usd end) as tool_price,
        max(case when meter = 'cache_write_5m' then write_premium_usd end) as premium_5m,
        max(case when meter = 'cache_write_1h' then write_premium_usd end) as premium_1h
    from {{ ref('int_unit_prices_negotiated') }}
    group by situation_no, {{ situation | join(', ') }}

),

calls as (

    select
        calls.*,
        prices.situation_no,
        prices.tool_price,
        prices.premium_5m,
        prices.premium_1h,
        {% for meter in meters %}
            prices.{{ meter }}_price,
            prices.is_{{ meter }}_assumed,
        {% endfor %}
        -- Exporters that state a cost compute it from list prices.
        {% for meter in meters -%}
            coalesce(calls.{{ meter_column(meter) }} * prices.{{ meter }}_list_price, 0){{ ' + ' if not loop.last }}
        {%- endfor %} as listed_usd,
        calls.cache_write_5m_tokens * (prices.cache_write_1h_list_price - prices.cache_write_5m_list_price)
            as listed_for_hour_usd
    from {{ ref('int_calls_situated') }} as calls
    left join prices
        on
            {% for column in situation -%}
                calls.{{ column }} {{ '=' if column in plain else 'is not distinct from' }} prices.{{ column }}
                {%- if not loop.last %} and {% endif %}
            {%- endfor %}

),

-- A cache write whose lifetime nobody stated is one for five minutes, unless the stated cost is an hour's alone.
compared as (

    select
        *,
        cache_write_5m_tokens > 0 and not is_cache_write_timed and coalesce(stated_usd, 0) > 0 as is_comparable,
        {{ rounds_to('listed_usd', 'stated_usd') }} as is_five_minutes_cost,
        {{ rounds_to('(listed_usd + listed_for_hour_usd)', 'stated_usd') }} as is_hour_cost
    from calls

),

timed as (

    select
        {{ all_but('compared', ['cache_write_5m_tokens', 'cache_write_1h_tokens']) }},
        case
            when cache_write_5m_tokens + cache_write_1h_tokens = 0 then null
            when is_cache_write_timed then 'stated'
            when is_comparable and is_hour_cost != is_five_minutes_cost then 'stated_cost'
            else 'default'
        end as cache_write_rule,
        case
            when is_comparable and is_hour_cost and not is_five_minutes_cost then 0 else cache_write_5m_tokens
        end as cache_write_5m_tokens,
        cache_write_1h_tokens + case
            when is_comparable and is_hour_cost and not is_five_minutes_cost then cache_write_5m_tokens else 0
        end as cache_write_1h_tokens
    from compared

),

priced as (

    select
        *,
        {% for meter, quantity in amounts -%}
            {{ quantity }}{{ ' + ' if not loop.last }}
        {%- endfor %} as quantity,
        {% for meter, quantity in amounts -%}
            coalesce({{ quantity }} * {{ meter }}_price, 0){{ ' + ' if not loop.last }}
        {%- endfor %} as priced_usd,
        coalesce(cache_write_5m_tokens * premium_5m, 0)
        + coalesce(cache_write_1h_tokens * premium_1h, 0) as write_premium_usd,
        {% for meter, quantity in amounts -%}
            ({{ quantity }} > 0 and {{ meter }}_price is null){{ ' or ' if not loop.last }}
        {%- endfor %} as is_in_no_book,
        -- True if the book has no price even for the meters that it does not price separately.
        {% for meter, quantity in amounts if meter not in apart -%}
            ({{ quantity }} > 0 and {{ meter }}_price is null){{ ' or ' if not loop.last }}
        {%- endfor %} as is_plain_in_no_book,
        {% for meter, quantity in amounts if meter != 'tool' -%}
            ({{ quantity }} > 0 and is_{{ meter }}_assumed){{ ' or ' if not loop.last }}
        {%- endfor %} as is_assumed
    from timed

)

select
    call_key,
    call_id,
    is_answered,
    trace_key,
    started_at,
    provider,
    vendor,
    account_id,
    api_key,
    is_on_bill,
    started_on,
    model,
    situation_no,
    stated_tier,
    stated_geo,
    context_tokens,
    is_summed,
    {% for meter in meters %}
        {{ meter_column(meter) }},
    {% endfor %}
    tool_meter,
    quantity,
    {{ money('stated_usd') }} as stated_usd,
    case
        when quantity > 0 and not is_in_no_book and usage_fault is null then {{ money('priced_usd') }}
    end as priced_usd,
    case
        when cache_write_5m_tokens + cache_write_1h_tokens > 0 and not is_in_no_book and usage_fault is null
            then {{ money('write_premium_usd') }}
    end as cache_write_premium_usd,
    cache_write_rule,
    quantity > 0 and not is_in_no_book and usage_fault is null and coalesce(is_assumed, false) as is_price_assumed,
    case
        when started_at is null then 'no_time'
        when model_key is null then 'no_model'
        -- Rerankers bill requests, and count no tokens.
        when not has_usage and requests = 0 then 'no_usage'
        when usage_fault is not null then usage_fault
        when quantity = 0 then 'no_tokens'
        when is_in_no_book and not is_provider_known then 'provider_not_known'
        when is_in_no_book and is_in_book and not is_plain_in_no_book then 'meter_not_in_price_book'
        when is_in_no_book then 'model_not_in_price_book'
    end as unpriced_reason
from priced
