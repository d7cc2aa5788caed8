{#
  The list prices of a book: one row per day on which it is read (known_on), provider, model, meter, tier, context, hours
  and start. The block that it is called with selects rows of seed model_prices, each with a day by which it was known.
#}
{% macro list_prices() -%}
{% set versions = caller() | trim %}
{% set series = 'known_on, provider, model, meter, service_tier, context_over_tokens, daily_from, daily_to' %}
{% set always = "date '0001-01-01'" %}
with versions as (

    {{ versions | indent }}

),

latest_versions as (

    {% call first_rows(
        partition_by=series ~ ", valid_from",
        order_by="known_from desc nulls last"
    ) %}
        select *
        from versions
    {% endcall %}

),

-- The book withdraws a price by a row without one.
known_prices as (

    select
        *,
        coalesce(valid_from, {{ always }}) as holds_from,
        min(coalesce(valid_from, {{ always }})) over (partition by {{ series }}) as series_from
    from latest_versions
    where unit_price_usd is not null

),

standard_prices as (

    select * from known_prices
    where service_tier = 'standard'

),

-- Sources date a tier's price by the day on which they first looked, not by when the provider introduced it. Assume
-- that the tier's price is as old as the standard price of that day.
first_tier_prices as (

    {% call first_rows(
        partition_by="tiers." ~ series.replace(', ', ', tiers.'),
        order_by="standards.holds_from desc"
    ) %}
        select
            tiers.*,
            standards.unit_price_usd as standard_price_usd,
            standards.holds_from as standard_from
        from known_prices as tiers
        inner join standard_prices as standards
            on
                tiers.known_on = standards.known_on
                and tiers.provider = standards.provider
                and tiers.model = standards.model
                and tiers.meter = standards.meter
                and tiers.context_over_tokens = standards.context_over_tokens
                and tiers.daily_from is not distinct from standards.daily_from
                and tiers.daily_to is not distinct from standards.daily_to
                and {{ in_force('standards', 'tiers.holds_from') }}
        where
            tiers.service_tier != 'standard' and tiers.holds_from = tiers.series_from
            and tiers.valid_from is not null
    {% endcall %}

),

-- Before that, assume the same ratio to the standard price of the time. It also applies to long contexts that had a
-- standard price then, if the tier has no price of its own for them.
earlier_tier_prices as (

    select
        tiers.known_on,
        tiers.provider,
        tiers.model,
        tiers.meter,
        tiers.service_tier,
        standards.context_over_tokens,
        cast(
            standards.unit_price_usd * tiers.unit_price_usd / tiers.standard_price_usd as decimal(18, 12)
        ) as unit_price_usd,
        tiers.daily_from,
        tiers.daily_to,
        standards.valid_from,
        least(coalesce(standards.valid_to, tiers.standard_from), tiers.standard_from) as valid_to
    from first_tier_prices as tiers
    inner join standard_prices as standards
        on
            tiers.known_on = standards.known_on
            and tiers.provider = standards.provider
            and tiers.model = standards.model
            and tiers.meter = standards.meter
            and tiers.daily_from is not distinct from standards.daily_from
            and tiers.daily_to is not distinct from standards.daily_to
            and tiers.standard_from > standards.holds_from
    left join first_tier_prices as own
        on
            tiers.known_on = own.known_on
            and tiers.provider = own.provider
            and tiers.model = own.model
            and tiers.meter = own.meter
            and tiers.service_tier = own.service_tier
            and standards.context_over_tokens = own.context_over_tokens
            and tiers.daily_from is not distinct from own.daily_from
            and tiers.daily_to is not distinct from own.daily_to
    where
        tiers.standard_price_usd > 0
        and (
            tiers.context_over_tokens = standards.context_over_tokens
            or (tiers.context_over_tokens = 0 and own.model is null)
        )

)

select
    {{ series.replace(', daily_from', ', unit_price_usd, daily_from').replace(', ', ',\n    ') }},
    valid_from,
    valid_to,
    source
from known_prices

union all

select
    {{ series.replace(', daily_from', ', unit_price_usd, daily_from').replace(', ', ',\n    ') }},
    nullif(standard_from, {{ always }}) as valid_from,
    valid_from as valid_to,
    'assumed' as source
from first_tier_prices
where valid_from > standard_from

union all

select
    {{ series.replace(', daily_from', ', unit_price_usd, daily_from').replace(', ', ',\n    ') }},
    valid_from,
    valid_to,
    'assumed' as source
from earlier_tier_prices
{%- endmacro %}
