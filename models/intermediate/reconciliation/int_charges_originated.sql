-- one row per origin charge: a day's lines of bills that say the same, or what accrues; what calls took, what is left
{{ replaces_touched("charged_on", by="touched_day") }}
{% set named = [
    'charged_on', 'provider', 'account_id', 'bill_account_id', 'api_key', 'model', 'meter', 'price_tier', 'kind_id',
    'invoice_id'
] %}
{% set amounts = ['called_usd', 'grouped_usd', 'untraced_usd', 'invoice_only_usd', 'prepaid_usd'] %}
with charges as (

    select
        origin_charge_id,
        {{ named | join(',\n        ') }}
    from {{ ref('int_charges_itemised') }}
    where {{ is_touched('charged_on', 'touched_day') }}
    group by origin_charge_id, {{ named | join(', ') }}

),

settled as (

    select
        origin_charge_id,
        payer_team_id,
        tagged_feature_id,
        min(group_id) as group_id,
        -- The coarsest level at which any of its lines met calls.
        min(case when call_id is null and match_level != 'none' then match_level end) as match_level,
        count(*) as lines,
        count(call_id) as called_lines,
        sum(quantity) as quantity,
        sum(case when call_id is not null then quantity else 0 end) as called_quantity,
        sum(case when call_id is not null then attributed_usd else 0 end) as called_usd,
        sum(case when call_id is null then attributed_usd else 0 end) as grouped_usd,
        sum(untraced_usd) as untraced_usd,
        sum(invoice_only_usd + rounding_usd) as invoice_only_usd,
        sum(prepaid_usd) as prepaid_usd
    from {{ ref('int_charges_settled') }}
    where {{ is_touched('charged_on', 'touched_day') }}
    group by origin_charge_id, payer_team_id, tagged_feature_id

),

-- Where a day's calls of a model paid one price for a meter, that is its price.
prices as (

    select
        provider,
        model,
        meter,
        service_tier,
        priced_on,
        min(list_price_usd) as list_price_usd,
        min(unit_price_usd) as unit_price_usd
    from {{ ref('int_unit_prices_negotiated') }}
    group by provider, model, meter, service_tier, priced_on
    having
        count(*) = count(list_price_usd) and count(distinct list_price_usd) = 1 and count(distinct unit_price_usd) = 1

),

origins as (

    select
        'billed' as basis,
        {% for column in named -%}
            charges.{{ column }},
        {% endfor %}
        charges.origin_charge_id,
        prices.list_price_usd,
        prices.unit_price_usd,
        settled.payer_team_id,
        settled.tagged_feature_id,
        settled.group_id,
        settled.match_level,
        settled.lines,
        settled.called_lines,
        settled.quantity,
        settled.called_quantity,
        settled.{{ amounts | join(',\n        settled.') }}
    from charges
    inner join settled on charges.origin_charge_id = settled.origin_charge_id
    left join prices
        on
            charges.provider = prices.provider
            and charges.model = prices.model
            and charges.meter = prices.meter
            and coalesce(charges.price_tier, 'standard') = prices.service_tier
            and charges.charged_on = prices.priced_on

    union all

    select
        'accrued' as basis,
        {% for column in named -%}
            {{ column }},
        {% endfor %}
        origin_charge_id,
        list_price_usd,
        unit_price_usd,
        payer_team_id,
        null as tagged_feature_id,
        null as group_id,
        null as match_level,
        1 as lines,
        called_lines,
        quantity,
        called_quantity,
        {{ amounts | join(',
        ') }}
    from {{ ref('int_charges_accrued') }}

)

select
    {{ all_but('', amounts + ['quantity', 'called_quantity']) }},
    cast(quantity as bigint) as quantity,
    cast(called_quantity as bigint) as called_quantity,
    {% for amount in amounts -%}
        {{ money(amount) }} as {{ amount }}{% if not loop.last %},{% endif %}
    {% endfor %}
from origins
