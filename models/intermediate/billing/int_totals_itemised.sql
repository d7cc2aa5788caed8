-- one row per total of a bill and group of usage that a usage file counts in its time: its part, by the price book
{{ replaces_touched("charged_on", by="read_day") }}
{% set named = [
    'provider', 'account_id', 'api_key', 'charged_on', 'model', 'meter', 'price_tier', 'context_side', 'context_limit',
    'inference_geo', 'quantity'
] %}
with weighed as (

    select * from {{ ref('int_totals_weighed') }}
    where {{ is_touched('charged_on', 'read_day') }}

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
        coalesce(spread.billed_usd, totals.billed_usd) as total_usd,
        coalesce(spread.prepaid_usd, totals.prepaid_usd) as total_prepaid_usd,
        {{ floored_part('coalesce(spread.billed_usd, totals.billed_usd)', 'weighed.weight', 'weighed.total_weight') }}
            as part_usd
    from weighed
    inner join {{ ref('int_charges_standing') }} as totals on weighed.charge_id = totals.charge_id
    left join {{ ref('int_totals_spread') }} as spread on weighed.charge_id = spread.charge_id

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
