-- one row per provider, model, meter, tier, context, hours and start: the list price, as known on the day asked for
{% set series = 'provider, model, meter, service_tier, context_over_tokens, daily_from, daily_to' %}
{% set always = "date '0001-01-01'" %}
with prices as (

    select * from {{ ref('model_prices') }}
    {% if var('prices_known_on') %}
        where known_from is null or known_from <= cast('{{ var("prices_known_on") }}' as date)
    {% endif %}

),

latest as (

    {% call first_rows(
        partition_by=series ~ ", valid_from",
        order_by="known_from desc nulls last"
    ) %}
        select *
        from prices
    {% endcall %}

),

-- A price that the book took back is a row without one.
standing as (

    select
        *,
        coalesce(valid_from, {{ always }}) as holds_from,
        min(coalesce(valid_from, {{ always }})) over (partition by {{ series }}) as series_from
    from latest
    where unit_price_usd is not null

),

standards as (

    select * from standing
    where service_tier = 'standard'

),

-- Sources date a tier's price by the day on which they looked. Nobody began to sell batches then: the tier held as long
-- as the standard price of that day.
held as (

    {% call first_rows(
        partition_by="tiers." ~ series.replace(', ', ', tiers.'),
        order_by="standards.holds_from desc"
    ) %}
        select
            tiers.*,
            standards.unit_price_usd as standard_price_usd,
            standards.holds_from as standard_from
        from standing as tiers
        inner join standards
            on
                tiers.provider = standards.provider
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

-- Before that it cost the same part of the standard price of the time. A long context that had a standard price then,
-- and has none of the tier's, cost that part too.
earlier as (

    select
        held.provider,
        held.model,
        held.meter,
        held.service_tier,
        standards.context_over_tokens,
        cast(
            standards.unit_price_usd * held.unit_price_usd / held.standard_price_usd as decimal(18, 12)
        ) as unit_price_usd,
        held.daily_from,
        held.daily_to,
        standards.valid_from,
        least(coalesce(standards.valid_to, held.standard_from), held.standard_from) as valid_to
    from held
    inner join standards
        on
            held.provider = standards.provider
            and held.model = standards.model
            and held.meter = standards.meter
            and held.daily_from is not distinct from standards.daily_from
            and held.daily_to is not distinct from standards.daily_to
            and held.standard_from > standards.holds_from
    left join held as own
        on
            held.provider = own.provider
            and held.model = own.model
            and held.meter = own.meter
            and held.service_tier = own.service_tier
            and standards.context_over_tokens = own.context_over_tokens
            and held.daily_from is not distinct from own.daily_from
            and held.daily_to is not distinct from own.daily_to
    where
        held.standard_price_usd > 0
        and (
            held.context_over_tokens = standards.context_over_tokens
            or (held.context_over_tokens = 0 and own.model is null)
        )

)

select
    {{ series.replace(', daily_from', ', unit_price_usd, daily_from').replace(', ', ',\n    ') }},
    valid_from,
    valid_to,
    source
from standing

union all

select
    {{ series.replace(', daily_from', ', unit_price_usd, daily_from').replace(', ', ',\n    ') }},
    nullif(standard_from, {{ always }}) as valid_from,
    valid_from as valid_to,
    'assumed' as source
from held
where valid_from > standard_from

union all

select
    {{ series.replace(', daily_from', ', unit_price_usd, daily_from').replace(', ', ',\n    ') }},
    valid_from,
    valid_to,
    'assumed' as source
from earlier
