-- one row per price situation and meter in use: the list price of a unit
with keys as (

    select
        *,
        row_number() over (order by situation_no, meter) as key_no
    from {{ ref('int_prices_sought') }}

),

-- The book quotes few meters apart; the rest are priced as what they are a part of.
parts (meter, priced_as, place) as (

    values
    ('cache_read', 'input', 2), ('cache_write_5m', 'input', 2),
    ('cache_write_1h', 'cache_write_5m', 2), ('cache_write_1h', 'input', 3),
    ('reasoning', 'output', 2), ('citation', 'output', 2),
    ('audio_input', 'input', 2), ('image_input', 'input', 2), ('video_input', 'input', 2),
    ('audio_output', 'output', 2), ('image_output', 'output', 2), ('video_output', 'output', 2),
    ('cache_read_audio', 'cache_read', 2), ('cache_read_audio', 'audio_input', 3), ('cache_read_audio', 'input', 4),
    ('cache_read_image', 'cache_read', 2), ('cache_read_image', 'image_input', 3), ('cache_read_image', 'input', 4)

),

chances as (

    select distinct
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
            prices.unit_price_usd as list_price_usd
        from keys
        inner join chances on keys.meter = chances.meter
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

)

select
    key_no,
    situation_no,
    {{ price_situation() | join(',\n    ') }},
    meter,
    priced_as,
    list_price_usd
from listed
