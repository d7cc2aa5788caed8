{% set rate = price_situation() %}
{% set meters = call_meters() %}
{# The book of today. What accrued until a bill came is held against the book of the month's last day. #}
{% set today = "date '9999-12-31'" %}
{# A cache write's premium needs both prices; a stated cost may prove that the write lasts an hour. #}
{% set also = {
    'input': ' or cache_write_5m_tokens > 0 or cache_write_1h_tokens > 0', 'cache_write_1h': ' or untimed_tokens > 0'
} %}
with used_rates as (

    -- Look up each distinct combination of pricing attributes once: millions of calls share a few hundred.
    select
        {{ rate | join(',\n        ') }},
        {% for meter in meters %}
        max({{ meter_column(meter) }}) as {{ meter_column(meter) }},
        {% endfor %}
        max(case when stated_usd > 0 and not is_cache_write_timed then cache_write_5m_tokens else 0 end)
            as untimed_tokens
    from {{ ref('int_call_providers') }}
    group by {{ rate | join(', ') }}

),

-- Usage files count use that no bill covers yet, or what would accrue without it, or parts of a bill's total.
counted_usage as (

    select
        provider,
        account_id,
        model,
        price_tier,
        usage_on,
        0 as long_context_tokens,
        call_meter
    from {{ ref('int_usage_counts') }}
    where (is_unbilled or is_billed) and model is not null and {{ is_touched('usage_on', 'read_day') }}

    union all

    select
        provider,
        account_id,
        model,
        price_tier,
        charged_on as usage_on,
        long_context_tokens,
        call_meter
    from {{ ref('int_usage_of_totals') }}
    where {{ is_touched('charged_on', 'read_day') }}

),

rate_meters as (
    {% for meter in meters %}
    select
        {{ rate | join(',\n        ') }},
        '{{ meter }}' as meter
    from used_rates
    where {{ meter_column(meter) }} > 0{{ also.get(meter, '') }}

    union all

    {% endfor %}

    select
        {{ rate | join(',\n        ') }},
        tool_meter as meter
    from used_rates
    where tool_meter is not null

    union all

    select
        provider,
        account_id,
        model,
        null as tool_meter,
        coalesce(price_tier, 'standard') as service_tier,
        null as inference_geo,
        usage_on as priced_on,
        long_context_tokens,
        null as priced_time,
        call_meter as meter
    from counted_usage

),

rates as (

    select
        {{ rate | join(',\n        ') }},
        meter,
        {{ rate_key() }} as rate_key
    from rate_meters
    group by {{ rate | join(', ') }}, meter

),

-- Models of whose prices the book came to know more after the month.
earlier_books as (

    select distinct
        rates.provider,
        rates.model,
        rates.known_on
    from (select distinct
        provider,
        model,
        cast(last_day(priced_on) as date) as known_on
    from rates) as rates
    inner join {{ ref('model_prices') }} as versions
        on
            rates.provider = versions.provider
            and rates.model = versions.model
            and rates.known_on < versions.known_from

),

earlier_prices as (

    {% call list_prices() %}
        select
            versions.*,
            books.known_on
        from {{ ref('model_prices') }} as versions
        inner join earlier_books as books
            on
                versions.provider = books.provider
                and versions.model = books.model
                and (versions.known_from is null or versions.known_from <= books.known_on)
    {% endcall %}

),

list_prices as (

    select
        {{ today }} as known_on,
        *
    from {{ ref('int_list_prices') }}

    union all

    select * from earlier_prices

),

rates_by_book as (

    select
        *,
        {{ today }} as known_on
    from rates

    union all

    select
        rates.*,
        books.known_on
    from rates
    inner join earlier_books as books
        on
            rates.provider = books.provider
            and rates.model = books.model
            and cast(last_day(rates.priced_on) as date) = books.known_on

),

-- The book quotes few meters apart; the rest are priced as what they are a part of. Audio and images cost far more or
-- less than text: what the book does not quote of them has no price. Google has one price for text, images and video.
-- OpenAI bills a search in files by request.
fallback_meters (provider, meter, priced_as, place) as (

    values
    (null, 'cache_read', 'input', 2), (null, 'cache_write_5m', 'input', 2),
    (null, 'cache_write_1h', 'cache_write_5m', 2), (null, 'cache_write_1h', 'input', 3),
    (null, 'reasoning', 'output', 2), (null, 'citation', 'output', 2),
    (null, 'cache_read_audio', 'audio_input', 2), (null, 'cache_read_image', 'image_input', 2),
    ('google', 'image_input', 'input', 2), ('google', 'video_input', 'input', 2),
    ('google', 'cache_read_image', 'cache_read', 3), ('google', 'cache_read_image', 'input', 4),
    ('openai', 'request', 'file_search', 2), ('azure', 'request', 'file_search', 2)

),

quotable_meters as (

    select distinct
        cast(null as string) as provider,
        meter,
        meter as priced_as,
        1 as place
    from rates

    union all

    select * from fallback_meters

),

-- A meter that the list does not quote may have a negotiated price of the whole that it is a part of: keep the widest.
listed_prices as (

    {% call first_rows(
        partition_by="rates.rate_key, rates.meter, rates.known_on",
        order_by=[
            "prices.unit_price_usd is null",
            "case when prices.unit_price_usd is null then -meters.place else meters.place end",
            "(prices.service_tier = rates.service_tier) desc", "prices.context_over_tokens desc",
            "(prices.daily_from is not null) desc", "prices.valid_from desc nulls last", "prices.unit_price_usd desc"
        ]
    ) %}
        select
            rates.*,
            meters.priced_as,
            prices.unit_price_usd,
            prices.source,
            prices.service_tier as priced_tier
        from rates_by_book as rates
        inner join quotable_meters as meters
            on rates.meter = meters.meter and coalesce(meters.provider, rates.provider) = rates.provider
        left join list_prices as prices
            on
                rates.known_on = prices.known_on
                and rates.provider = prices.provider
                and rates.model = prices.model
                and meters.priced_as = prices.meter
                and prices.service_tier in (rates.service_tier, 'standard')
                -- A long prompt's price applies to all its tokens, not only to those above the limit.
                and (prices.context_over_tokens = 0 or rates.long_context_tokens > prices.context_over_tokens)
                and rates.priced_on is not null
                and {{ in_force('prices', 'rates.priced_on') }}
                and (
                    prices.daily_from is null
                    or (
                        prices.daily_from < prices.daily_to
                        and rates.priced_time >= prices.daily_from and rates.priced_time < prices.daily_to
                    )
                    or (
                        prices.daily_from > prices.daily_to
                        and (rates.priced_time >= prices.daily_from or rates.priced_time < prices.daily_to)
                    )
                )
    {% endcall %}

),

-- Providers charge a multiple of the list price in some regions. Prefer the most specific (longest) patterns.
regional_prices as (

    {% call first_rows(
        partition_by="listed.rate_key, listed.meter, listed.known_on",
        order_by=[
            "length(multipliers.model) desc nulls last", "length(multipliers.meter) desc nulls last",
            "multipliers.multiplier desc"
        ]
    ) %}
        select
            listed.*,
            cast(listed.unit_price_usd * coalesce(multipliers.multiplier, 1) as decimal(18, 12)) as list_price_usd
        from listed_prices as listed
        left join {{ ref('price_multipliers') }} as multipliers
            on
                listed.provider = multipliers.provider
                and listed.inference_geo = multipliers.inference_geo
                and {{ is_like('listed.model', 'multipliers.model') }}
                and {{ is_like('listed.meter', 'multipliers.meter') }}
                and {{ in_force('multipliers', 'listed.priced_on') }}
    {% endcall %}

),

-- A negotiated price goes before a discount, the more specific row before the broader.
agreed_prices as (

    {% call first_rows(
        partition_by="listed.rate_key, listed.meter, listed.known_on",
        order_by=[
            "(negotiated.unit_price_usd is not null) desc", "(negotiated.account_id is not null) desc",
            "length(negotiated.model) desc nulls last", matches('listed.meter', 'negotiated.meter') ~ " desc",
            "length(negotiated.meter) desc nulls last", "(negotiated.provider is not null) desc",
            "negotiated.valid_from desc nulls last", "negotiated.unit_price_usd desc nulls last",
            "negotiated.discount_pct desc nulls last"
        ]
    ) %}
        select
            listed.*,
            negotiated.unit_price_usd as negotiated_price_usd,
            cast(
                coalesce(negotiated.unit_price_usd, listed.list_price_usd * (1 - coalesce(negotiated.discount_pct, 0)))
                as decimal(18, 12)
            ) as agreed_price_usd
        from regional_prices as listed
        left join {{ ref('negotiated_prices') }} as negotiated
            on
                listed.model is not null and listed.priced_on is not null
                and {{ matches('listed.provider', 'negotiated.provider') }}
                and {{ fits_id('listed.account_id', 'negotiated.account_id') }}
                and {{ matches('listed.model', 'negotiated.model') }}
                and (
                    {{ matches('listed.meter', 'negotiated.meter') }}
                    or {{ matches('listed.priced_as', 'negotiated.meter') }}
                )
                and {{ in_force('negotiated', 'listed.priced_on') }}
    {% endcall %}

)

select
    today.rate_key,
    {% for column in rate %}
    today.{{ column }},
    {% endfor %}
    today.meter,
    today.list_price_usd,
    today.agreed_price_usd as unit_price_usd,
    -- The price by the book as it was known on the month's last day.
    case when earlier.rate_key is null then today.agreed_price_usd else earlier.agreed_price_usd end
        as month_end_price_usd,
    -- A tier before its source looked at it, or one that the book does not quote, is priced as standard.
    today.negotiated_price_usd is null and coalesce(
        today.source = 'assumed'
        or (today.priced_tier != today.service_tier and today.priced_as in ('input', 'output')), false
    ) as is_assumed,
    case
        when today.meter in ('cache_write_5m', 'cache_write_1h')
            then greatest(
                today.agreed_price_usd - max(case when today.meter = 'input' then today.agreed_price_usd end) over (
                    partition by today.rate_key
                ), 0
            )
    end as write_premium_usd
from agreed_prices as today
left join agreed_prices as earlier
    on
        today.rate_key = earlier.rate_key
        and today.meter = earlier.meter
        and earlier.known_on < {{ today }}
where today.known_on = {{ today }}
