-- one row per call: what it should cost by the price book, or why that can't be said
{% set situation = price_situation() %}
{% set plain = ['provider', 'service_tier', 'long_context_tokens'] %}
{% set meters = call_meters() %}
{% set amounts = [('prices.tool_price', 'case when calls.tool_meter is not null then 1 else 0 end')] %}
{% for meter in meters %}
    {% do amounts.append(('prices.' ~ meter ~ '_price', 'calls.' ~ meter ~ '_tokens')) %}
{% endfor %}
with prices as (

    select
        situation_no,
        {{ situation | join(',\n        ') }},
        {% for meter in meters %}
            max(case when meter = '{{ meter }}' then unit_price_usd end) as {{ meter }}_price,
        {% endfor %}
        max(case when meter = tool_meter then unit_price_usd end) as tool_price,
        max(case when meter = 'cache_write_5m' then write_premium_usd end) as premium_5m,
        max(case when meter = 'cache_write_1h' then write_premium_usd end) as premium_1h
    from {{ ref('int_unit_prices_negotiated') }}
    group by situation_no, {{ situation | join(', ') }}

),

priced as (

    select
        calls.*,
        prices.situation_no,
        {% for price, quantity in amounts -%}
            {{ quantity }}{{ ' + ' if not loop.last }}
        {%- endfor %} as quantity,
        {% for price, quantity in amounts -%}
            coalesce({{ quantity }} * {{ price }}, 0){{ ' + ' if not loop.last }}
        {%- endfor %} as priced_usd,
        coalesce(calls.cache_write_5m_tokens * prices.premium_5m, 0)
        + coalesce(calls.cache_write_1h_tokens * prices.premium_1h, 0) as write_premium_usd,
        {% for price, quantity in amounts -%}
            ({{ quantity }} > 0 and {{ price }} is null){{ ' or ' if not loop.last }}
        {%- endfor %} as is_in_no_book
    from {{ ref('int_calls_situated') }} as calls
    left join prices
        on
            {% for column in situation -%}
                calls.{{ column }} {{ '=' if column in plain else 'is not distinct from' }} prices.{{ column }}
                {%- if not loop.last %} and {% endif %}
            {%- endfor %}

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
    {{ meters | join('_tokens,\n    ') }}_tokens,
    tool_meter,
    quantity,
    case when quantity > 0 and not is_in_no_book then {{ money('priced_usd') }} end as priced_usd,
    case
        when cache_write_5m_tokens + cache_write_1h_tokens > 0 and not is_in_no_book
            then {{ money('write_premium_usd') }}
    end as cache_write_premium_usd,
    case
        when started_at is null then 'no_time'
        when model_key is null then 'no_model'
        when not has_usage then 'no_usage'
        when quantity = 0 then 'no_tokens'
        when is_in_no_book then 'model_not_in_price_book'
    end as unpriced_reason
from priced
