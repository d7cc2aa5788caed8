with named as (

    select
        *,
        coalesce(provider_name, service_provider_name, publisher_name) as seller_name,
        coalesce(commitment_discount_id, service_name) as commitment
    from {{ source('landed', 'focus') }}

),

-- A consumption that a purchase pays for: the purchase itself then costs nothing of its own.
consumed as (

    select distinct
        seller_name,
        billing_account_id,
        commitment,
        true as is_consumed
    from named
    where lower(charge_category) = 'usage' and effective_cost > billed_cost

),

landed as (

    select
        named.*,
        coalesce(consumed.is_consumed, false) as is_consumed
    from named
    left join consumed on {{ are_same('named', 'consumed', ['seller_name', 'billing_account_id', 'commitment']) }}

),

charges as (

    select
        *,
        lower(coalesce(provider_name, service_provider_name, publisher_name, host_provider_name, invoice_issuer_name))
            as stated_provider,
        -- Clouds name the model in any of these: usage type, meter, SKU or the marketplace's service name.
        lower(concat_ws(
            ' | ', usage_type, sku_description, sku_meter, sku_id, sku_price_details, charge_description, service_name
        )) as all_text,
        coalesce(nullif(lower(trim(charge_category)), ''), 'usage') as category,
        coalesce(lower(trim(charge_class)), '') = 'correction' as is_correction,
        {{ without_pattern('sub_account_id', '^/[Ss]ubscriptions/') }} as bare_sub_account_id,
        case when consumed_unit is null then pricing_quantity else consumed_quantity end as stated_quantity,
        lower(coalesce(consumed_unit, pricing_unit, '')) as unit_text,
        {{ has_pattern("lower(coalesce(consumed_unit, pricing_unit, ''))", 'token.*(hour|[^a-z]hrs?$)') }} as is_by_hour
    from landed

),

-- What one unit holds: "1K", "1,000 tokens", "Tokens (1K)", "Million tokens"; Google's "count" is one; a
-- marketplace's "Units" are what its text says. Hours, images and requests are no tokens.
measured as (

    select
        *,
        case
            when is_by_hour then null
            when unit_text like '%token%' or {{ has_pattern('unit_text', '^[0-9,]* *[km]?$') }} then unit_text
            when unit_text = 'count' then ''
            when unit_text in ('units', 'unit', 'quantity') and all_text like '%token%'
                then nullif(regexp_extract(all_text, '((?:[0-9,]+ *[km]?|thousand|million)[ a-z]{0,24}tokens?)', 1), '')
        end as measure
    from charges

)

select
    stated_provider as provider,
    {{ line_origin('focus', 'bill') }},
    coalesce(bare_sub_account_id, billing_account_id) as account_id,
    billing_account_id as bill_account_id,
    charge_period_start as starts_at,
    greatest(charge_period_end - interval 1 microsecond, charge_period_start) as ends_at,
    -- A purchase reaches beyond the file's own time, a correction before it.
    min(case when category = 'usage' and not is_correction then charge_period_start end)
        over account_of_file as covers_from,
    max(case when category = 'usage' and not is_correction then charge_period_end - interval 1 microsecond end)
        over account_of_file as covers_to,
    all_text as model_name,
    -- What is stored by the hour is counted in no tokens, whatever the text beside it says.
    case when is_by_hour then all_text || ' | token-hours' else all_text end as meter_name,
    cast(
        case when measure is not null then stated_quantity end
        * coalesce(try_cast(replace(regexp_extract(measure, '([0-9][0-9,]*)', 1), ',', '') as bigint), 1)
        * case
            when {{ has_pattern('measure', '[0-9] *m|million|^m ') }} then 1000000
            when {{ has_pattern('measure', '[0-9] *k|thousand|^k ') }} then 1000
            else 1
        end as decimal(38, 6)
    ) as quantity,
    coalesce(billed_cost, 0) as billed_amount,
    -- A purchase that nothing consumes is used up by time.
    case
        when category = 'purchase' and effective_cost = 0 and not is_consumed then billed_cost
        else effective_cost
    end as effective_amount,
    upper(coalesce(billing_currency, 'USD')) as currency,
    service_name,
    concat_ws(' | ', usage_type, sku_meter, sku_description, sku_id) as sku,
    charge_description as description,
    category,
    invoice_id,
    concat_ws(' | ', resource_id, region_id, tags) as resource,
    tags,
    -- A profile, a deployment or an endpoint is what calls name instead of a key.
    case
        when {{ has_pattern('resource_id', 'inference-profile/|provisioned-model/|/deployments/|/endpoints/') }}
            then resource_id
    end as api_key,
    {{ unsaid(['response_id', 'service_tier', 'is_rounded', 'own_key_provider', 'own_key_usd']) }}
from measured
window account_of_file as (partition by file_id, billing_account_id)
