-- one row per origin charge, method and taker, and per purchase as paid: its share, what was billed, what is borne
{% set tie_breaker = "feature_id, bearer_team_id, payer_team_id, purpose, method" %}
{% set taken = ['feature_id', 'bearer_team_id', 'payer_team_id', 'purpose', 'method'] %}
{% set named = [
    'origin_charge_id', 'basis', 'charged_on', 'provider', 'account_id', 'bill_account_id', 'api_key', 'model', 'meter',
    'price_tier', 'list_price_usd', 'unit_price_usd', 'service_name', 'sku', 'description', 'category', 'invoice_id'
] %}
with origins as (

    select
        originated.*,
        kinds.service_name,
        kinds.sku,
        kinds.description,
        case
            -- Bills that know no categories say a credit by its sign alone.
            when
                originated.meter is null and kinds.service_name is null
                and originated.invoice_only_usd + originated.prepaid_usd < 0
                then 'credit'
            when kinds.category in ('tax', 'purchase', 'credit', 'adjustment') then kinds.category
            else 'usage'
        end as category
    from {{ ref('int_charges_originated') }} as originated
    left join {{ ref('int_charge_kinds_ruled') }} as kinds on originated.kind_id = kinds.kind_id

),

allotted as (

    select
        origins.*,
        allotted.{{ (taken + ['amount_usd']) | reject('eq', 'payer_team_id') | join(',\n        allotted.') }},
        allotted.payer_team_id as taken_payer_team_id,
        cast(allotted.quantity as bigint) as part_quantity
    from {{ ref('int_charges_allotted') }} as allotted
    inner join origins on allotted.origin_charge_id = origins.origin_charge_id

),

-- A charge of nothing is shared by use.
weighed as (

    select
        {{ all_but('', ['payer_team_id', 'taken_payer_team_id', 'quantity']) }},
        taken_payer_team_id as payer_team_id,
        part_quantity as quantity,
        {{ money('1') }} as whole,
        case
            when sum(abs(amount_usd)) over (partition by origin_charge_id) = 0
                then {{ whole_number('abs(part_quantity) + 1') }}
            else {{ whole_number('abs(amount_usd) * 1000000000000') }}
        end as weight
    from allotted

),

floored as (

    select
        *,
        {{ floored_part('whole', 'weight', 'sum(weight) over (partition by origin_charge_id)') }} as share_part,
        {{ floored_part('prepaid_usd', 'weight', 'sum(weight) over (partition by origin_charge_id)') }} as prepaid_part
    from weighed

),

shared as (

    select
        *,
        {{ part_with_residue('whole', 'share_part', 'weight', 'origin_charge_id', tie_breaker) }} as share,
        {{ part_with_residue('prepaid_usd', 'prepaid_part', 'weight', 'origin_charge_id', tie_breaker) }}
            as prepaid_part_usd
    from floored

)

select
    {{ (named + taken) | join(',\n    ') }},
    cast(quantity as bigint) as quantity,
    share,
    case category when 'purchase' then {{ money('0') }} else {{ money('amount_usd + prepaid_part_usd') }} end
        as billed_usd,
    amount_usd as effective_usd,
    -- What a purchase bought is used up after it was paid.
    case category when 'purchase' then 'usage' else category end as charge_category
from shared
-- Of a purchase that other lines' use consumes, no day is a line of its own.
where category != 'purchase' or amount_usd != 0

union all

select
    {{ named | join(',\n    ') }},
    'invoice_only' as feature_id,
    payer_team_id as bearer_team_id,
    payer_team_id,
    'unknown' as purpose,
    'purchase' as method,
    null as quantity,
    {{ money('1') }} as share,
    {{ money('called_usd + grouped_usd + untraced_usd + invoice_only_usd + prepaid_usd') }} as billed_usd,
    {{ money('0') }} as effective_usd,
    category as charge_category
from origins
where category = 'purchase' and called_usd + grouped_usd + untraced_usd + invoice_only_usd + prepaid_usd != 0
