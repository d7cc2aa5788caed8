-- one row per provider, model, meter, tier, context, hours and start: the list price, as known on the day asked for
with prices as (

    select * from {{ ref('model_prices') }}
    {% if var('prices_known_on') %}
        where known_from is null or known_from <= cast('{{ var("prices_known_on") }}' as date)
    {% endif %}

),

latest as (

    {% call first_rows(
        partition_by="provider, model, meter, service_tier, context_over_tokens, daily_from, daily_to, valid_from",
        order_by="known_from desc nulls last"
    ) %}
        select *
        from prices
    {% endcall %}

)

select
    provider,
    model,
    meter,
    service_tier,
    context_over_tokens,
    unit_price_usd,
    daily_from,
    daily_to,
    valid_from,
    valid_to
from latest
-- A price that the book took back is a row without one.
where unit_price_usd is not null
