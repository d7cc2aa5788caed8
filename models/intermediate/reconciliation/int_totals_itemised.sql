-- one row per total of a bill and group of usage that a usage file counts in its time: its part, by the price book
{{ replaces_touched("charged_on", by="read_day") }}
{% set named = [
    'provider', 'account_id', 'api_key', 'charged_on', 'model', 'meter', 'price_tier', 'context_side', 'context_limit',
    'inference_geo', 'quantity'
] %}
with counted as (

    select
        usage.*,
        {{ whole_number(money('usage.quantity * prices.unit_price_usd') ~ ' * 1000000000000') }} as weight
    from {{ ref('int_usage_totalled') }} as usage
    inner join {{ ref('int_unit_prices_negotiated') }} as prices
        on
            usage.provider = prices.provider
            and usage.account_id is not distinct from prices.account_id
            and usage.model = prices.model
            and usage.call_meter = prices.meter
            and coalesce(usage.price_tier, 'standard') = prices.service_tier
            and usage.charged_on = prices.priced_on
            and usage.long_context_tokens = prices.long_context_tokens
            and prices.priced_time is null and prices.tool_meter is null
            and prices.inference_geo is null
    where {{ is_touched('usage.charged_on', 'read_day') }}

),

-- Usage without a price in the book gets no part. If nothing has a price, the total is not itemised.
weighed as (

    select
        *,
        sum(weight) over (partition by charge_id) as total_weight,
        row_number() over (
            partition by charge_id
            order by {{ in_order('model, meter, price_tier, context_side, context_limit, inference_geo, api_key') }}
        ) as part_no
    from counted
    where weight > 0

),

parted as (

    select
        weighed.*,
        totals.kind_id,
        totals.line_id,
        totals.bill_account_id,
        totals.invoice_id,
        totals.file_kind,
        totals.tags,
        totals.billed_usd as total_usd,
        totals.prepaid_usd as total_prepaid_usd,
        {{ floored_part('totals.billed_usd', 'weighed.weight', 'weighed.total_weight') }} as part_usd
    from weighed
    inner join {{ ref('int_charges_standing') }} as totals on weighed.charge_id = totals.charge_id

)

select
    charge_id as total_charge_id,
    charge_id || ':' || cast(part_no as string) as charge_id,
    line_id,
    {{ entry_key([
        'kind_id', 'account_id', 'bill_account_id', 'api_key', 'charged_on', 'model', 'meter', 'price_tier',
        'context_side', 'inference_geo', 'invoice_id', 'tags'
    ]) }} as origin_charge_id,
    kind_id,
    invoice_id,
    bill_account_id,
    file_kind,
    tags,
    cast(null as string) as own_key_provider,
    {{ money('null') }} as own_key_usd,
    {{ named | join(',\n    ') }},
    {{ part_with_residue('total_usd', 'part_usd', 'weight', 'charge_id', 'part_no') }} as billed_usd,
    case when part_no = 1 then total_prepaid_usd else {{ money('0') }} end as prepaid_usd
from parted
