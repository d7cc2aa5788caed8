-- one row per price situation and meter in use: the list price of a unit
with keys as (

    select
        *,
        row_number() over (order by situation_no, meter) as key_no
    from {{ ref('int_prices_sought') }}

),

-- The book quotes few meters apart; the rest are priced as what they are a part of. Sound and images cost other than
-- text by far: what the book does not price of them has no price. Google has one price for text, images and video. What
-- OpenAI bills by request is a search in files.
parts (provider, meter, priced_as, place) as (

    values
    (null, 'cache_read', 'input', 2), (null, 'cache_write_5m', 'input', 2),
    (null, 'cache_write_1h', 'cache_write_5m', 2), (null, 'cache_write_1h', 'input', 3),
    (null, 'reasoning', 'output', 2), (null, 'citation', 'output', 2),
    (null, 'cache_read_audio', 'audio_input', 2), (null, 'cache_read_image', 'image_input', 2),
    ('google', 'image_input', 'input', 2), ('google', 'video_input', 'input', 2),
    ('google', 'cache_read_image', 'cache_read', 3), ('google', 'cache_read_image', 'input', 4),
    ('openai', 'request', 'file_search', 2), ('azure', 'request', 'file_search', 2)

),

chances as (

    select distinct
        cast(null as string) as provider,
        meter,
        meter as priced_as,
        1 as place
    from keys

    union all

    select * from parts

),

-- What the list does not know may be agreed for the whole that it is a part of.
listed as (

    {% call first_rows(
        partition_by="keys.key_no",
        order_by=[
            "prices.unit_price_usd is null",
            "case when prices.unit_price_usd is null then -chances.place else chances.place end",
            "(prices.service_tier = keys.service_tier) desc", "prices.context_over_tokens desc",
            "(prices.daily_from is not null) desc", "prices.valid_from desc nulls last", "prices.unit_price_usd desc"
        ]
    ) %}
        select
            keys.*,
            chances.priced_as,
            prices.unit_price_usd,
            prices.source,
            prices.service_tier as priced_tier
        from keys
        inner join chances
            on keys.meter = chances.meter and coalesce(chances.provider, keys.provider) = keys.provider
        left join {{ ref('int_prices_known') }} as prices
            on
                keys.provider = prices.provider
                and keys.model = prices.model
                and chances.priced_as = prices.meter
                and prices.service_tier in (keys.service_tier, 'standard')
                -- A long prompt's price is that of all its tokens, not of those above the limit.
                and (prices.context_over_tokens = 0 or keys.long_context_tokens > prices.context_over_tokens)
                and {{ in_force('prices', 'keys.priced_on') }}
                and (
                    prices.daily_from is null
                    or (
                        prices.daily_from < prices.daily_to
                        and keys.priced_time >= prices.daily_from and keys.priced_time < prices.daily_to
                    )
                    or (
                        prices.daily_from > prices.daily_to
                        and (keys.priced_time >= prices.daily_from or keys.priced_time < prices.daily_to)
                    )
                )
    {% endcall %}

),

-- Providers charge a multiple of the list price in some regions; the longest pattern is the most specific.
placed as (

    {% call first_rows(
        partition_by="listed.key_no",
        order_by=[
            "length(multipliers.model) desc nulls last", "length(multipliers.meter) desc nulls last",
            "multipliers.multiplier desc"
        ]
    ) %}
        select
            listed.*,
            coalesce(multipliers.multiplier, 1) as multiplier
        from listed
        left join {{ ref('price_multipliers') }} as multipliers
            on
                listed.provider = multipliers.provider
                and listed.inference_geo = multipliers.inference_geo
                and {{ is_like('listed.model', 'multipliers.model') }}
                and {{ is_like('listed.meter', 'multipliers.meter') }}
                and {{ in_force('multipliers', 'listed.priced_on') }}
    {% endcall %}

)

select
    key_no,
    situation_no,
    {{ price_situation() | join(',\n    ') }},
    meter,
    priced_as,
    cast(unit_price_usd * multiplier as decimal(18, 12)) as list_price_usd,
    -- A tier before its source looked at it, or one that the book does not have, at the standard price.
    coalesce(
        source = 'assumed' or (priced_tier != service_tier and priced_as in ('input', 'output')), false
    ) as is_assumed
from placed
