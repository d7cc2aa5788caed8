-- one row per price situation and meter in use: the price of a unit, as agreed
with listed as (

    select * from {{ ref('int_list_prices_looked_up') }}

),

negotiated as (

    select * from {{ ref('negotiated_prices') }}

),

-- A negotiated price before a discount, the more exactly named before the broader.
overlaid as (

    {% call first_rows(
        partition_by="listed.key_no",
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
            negotiated.discount_pct
        from listed
        left join negotiated
            on
                {{ matches('listed.provider', 'negotiated.provider') }}
                and {{ matches('listed.account_id', 'negotiated.account_id') }}
                and {{ matches('listed.model', 'negotiated.model') }}
                and (
                    {{ matches('listed.meter', 'negotiated.meter') }}
                    or {{ matches('listed.priced_as', 'negotiated.meter') }}
                )
                and {{ in_force('negotiated', 'listed.priced_on') }}
    {% endcall %}

),

agreed as (

    select
        *,
        cast(
            coalesce(negotiated_price_usd, list_price_usd * (1 - coalesce(discount_pct, 0))) as decimal(18, 12)
        ) as unit_price_usd
    from overlaid

)

select
    situation_no,
    {{ price_situation() | join(',\n    ') }},
    meter,
    list_price_usd,
    unit_price_usd,
    is_assumed and negotiated_price_usd is null as is_assumed,
    case
        when meter in ('cache_write_5m', 'cache_write_1h')
            then greatest(unit_price_usd - max(case when meter = 'input' then unit_price_usd end) over (
                partition by situation_no
            ), 0)
    end as write_premium_usd
from agreed
