with charges as (

    select
        *,
        lower(coalesce(provider_name, service_provider_name, publisher_name, host_provider_name, invoice_issuer_name))
            as stated_provider,
        -- Clouds name the model in any of these: usage type, meter, SKU or the marketplace's service name.
        lower(concat_ws(
            ' | ', usage_type, sku_description, sku_meter, sku_id, sku_price_details, charge_description, service_name
        )) as all_text,
        charge_category = 'Usage' and coalesce(charge_class, '') != 'Correction' as is_own_use,
        case when consumed_unit is null then pricing_quantity else consumed_quantity end as stated_quantity,
        -- "1K", "1M Tokens", "1000 tokens": what one unit of the quantity holds.
        regexp_extract(lower(coalesce(consumed_unit, pricing_unit, '')), '^([0-9]+)', 1) as unit_number,
        regexp_extract(lower(coalesce(consumed_unit, pricing_unit, '')), '^[0-9]+ *([km]?)', 1) as unit_scale,
        -- A consumption that a purchase pays for: the purchase itself then costs nothing of its own.
        max(case when charge_category = 'Usage' and effective_cost > billed_cost then 1 else 0 end) over (
            partition by coalesce(provider_name, service_provider_name, publisher_name), billing_account_id
        ) = 1 as is_consumed
    from {{ source('landed', 'focus') }}

)

select
    stated_provider as provider,
    'focus' as file_kind,
    'bill' as file_role,
    coalesce(sub_account_id, billing_account_id) as account_id,
    billing_account_id as bill_account_id,
    cast(null as varchar) as api_key,
    file_id,
    source_file,
    source_line,
    row_no,
    charge_period_start as starts_at,
    greatest(charge_period_end - interval 1 microsecond, charge_period_start) as ends_at,
    -- A purchase reaches beyond the file's own time, a correction before it.
    min(case when is_own_use then charge_period_start end) over account_of_file as covers_from,
    max(case when is_own_use then charge_period_end - interval 1 microsecond end) over account_of_file as covers_to,
    cast(null as varchar) as response_id,
    all_text as model_name,
    all_text as meter_name,
    cast(null as varchar) as service_tier,
    cast(
        stated_quantity * coalesce(try_cast(unit_number as bigint), 1)
        * case unit_scale when 'k' then 1000 when 'm' then 1000000 else 1 end as decimal(38, 6)
    ) as quantity,
    coalesce(billed_cost, 0) as billed_amount,
    -- A purchase that nothing consumes is used up by time.
    case
        when charge_category = 'Purchase' and effective_cost = 0 and not is_consumed then billed_cost
        else effective_cost
    end as effective_amount,
    upper(coalesce(billing_currency, 'USD')) as currency,
    service_name,
    concat_ws(' | ', usage_type, sku_meter, sku_description, sku_id) as sku,
    charge_description as description,
    lower(charge_category) as category,
    false as is_rounded,
    invoice_id
from charges
window account_of_file as (partition by file_id, billing_account_id)
