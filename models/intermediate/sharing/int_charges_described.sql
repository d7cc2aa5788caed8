-- one row per origin charge, method and taker, and per purchase as paid: its SKU, unit, prices and invoice
with charged as (

    select
        *,
        -- What a price counts for: a purchase when it is paid, use when it is used; tax and credits as billed.
        case charge_category when 'usage' then effective_usd else billed_usd end as charged_usd,
        coalesce(quantity, 0) = 0 as is_uncounted,
        charge_category in ('usage', 'purchase') as has_sku
    from {{ ref('int_charges_shared') }}

),

-- What its account and day were invoiced on, where that is one invoice.
invoiced as (

    select
        charges.provider,
        charges.account_id,
        charges.charged_on,
        charges.billed_amount < 0 as is_negative,
        min(matched.invoice_id) as invoice_id
    from {{ ref('int_invoices_matched') }} as matched
    inner join {{ ref('int_charges_sorted') }} as charges on matched.line_id = charges.line_id
    group by charges.provider, charges.account_id, charges.charged_on, charges.billed_amount < 0
    having count(distinct matched.invoice_id) = 1

),

{{ meter_names() }},

named as (

    select
        charged.*,
        sum(abs(charged.charged_usd)) over (partition by charged.origin_charge_id, charged.charge_category)
            as whole_usd,
        coalesce(charged.invoice_id, invoiced.invoice_id) as invoice_no,
        coalesce(meters.sku_meter, charged.meter) as sku_meter,
        case when charged.is_uncounted then 'Units' else coalesce(meters.unit, 'Units') end as unit,
        case when meters.unit = 'Tokens' and not charged.is_uncounted then 1000000 else 1 end as priced_units,
        charged.list_price_usd is not null and charged.has_sku and not charged.is_uncounted as is_in_book,
        case when charged.has_sku then lower(
            charged.provider || '/'
            || coalesce(charged.model, charged.sku, charged.description, charged.service_name, 'charges')
            || coalesce('/' || charged.meter, '')
        ) end as sku_id,
        -- A charge that nobody counted is one of its kind, and has parts; what is taken back is counted back.
        cast(case when charged.charged_usd < 0 then -1 else 1 end as bigint)
        * case when charged.is_uncounted then charged.share else abs(charged.quantity) end as use_quantity
    from charged
    left join meters on charged.meter = meters.meter
    left join invoiced
        on
            charged.basis = 'billed'
            and charged.provider = invoiced.provider
            and charged.account_id = invoiced.account_id
            and charged.charged_on = invoiced.charged_on
            and invoiced.is_negative = (charged.billed_usd < 0)

),

-- Where the book has no price, it is what was charged for a unit.
priced as (

    select
        *,
        cast(case priced_units when 1 then 1 else 0.000001 end as decimal(7, 6)) as price_unit,
        {% for price, name in [('list_price_usd', 'list_unit_price'), ('unit_price_usd', 'contracted_unit_price')] %}
            case
                when is_in_book then {{ money(price ~ ' * priced_units') }}
                when has_sku and is_uncounted then {{ money('whole_usd') }}
                when has_sku then {{ floored_part('abs(charged_usd)', 'priced_units', 'abs(use_quantity)') }}
            end as {{ name }}{% if not loop.last %},{% endif %}
        {% endfor %}
    from named

)

select
    origin_charge_id,
    basis,
    charged_on,
    cast(date_trunc('month', charged_on) as date) as posted_month,
    false as is_correction,
    provider,
    account_id,
    bill_account_id,
    api_key,
    model,
    case when has_sku then coalesce(sku_meter, 'Charges') end as sku_meter,
    coalesce(price_tier, 'standard') as price_tier,
    service_name,
    coalesce(description, model || coalesce(', ' || sku_meter, '')) as description,
    sku,
    sku_id,
    invoice_no,
    feature_id,
    bearer_team_id,
    payer_team_id,
    purpose,
    method,
    share,
    charge_category,
    unit,
    case when not has_sku then null when priced_units = 1 then unit else '1000000 Tokens' end as pricing_unit,
    {{ money('use_quantity') }} as use_quantity,
    case when has_sku then {{ money('use_quantity * price_unit') }} end as pricing_quantity,
    case when is_in_book then 'price_book' when has_sku then 'as_billed' end as price_basis,
    {{ money('list_unit_price') }} as list_unit_price,
    {{ money('contracted_unit_price') }} as contracted_unit_price,
    billed_usd,
    effective_usd,
    {{ money("case when is_in_book then list_price_usd * use_quantity else charged_usd end") }} as list_usd,
    {{ money("case when is_in_book then unit_price_usd * use_quantity else charged_usd end") }} as contracted_usd
from priced
