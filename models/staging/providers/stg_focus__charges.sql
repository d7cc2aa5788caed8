{% set of_file = ['file_id', 'source_file', 'source_line', 'row_no'] %}
{% set columns = (of_file + focus_columns().keys() | list) | join(',\n        ') %}
{% set clouds = [ref('stg_aws__lines'), ref('stg_azure__lines'), ref('stg_google__lines')] %}
with cloud_lines as (

    select
        {{ columns }},
        'focus' as file_kind,
        lower(coalesce(nullif(trim(charge_category), ''), 'usage')) = 'usage' as is_use
    from {{ source('landed', 'focus') }}

    {% for cloud in clouds %}
        union all

        select
            {{ columns }},
            file_kind,
            is_use
        from {{ cloud }}

    {% endfor %}
),

named as (

    select
        *,
        coalesce(provider_name, service_provider_name, publisher_name) as seller_name,
        coalesce(commitment_discount_id, service_name) as commitment,
        nullif(regexp_extract(tags, '"custom_llm_provider": *"([^"]*)"', 1), '') as routed_provider
    from cloud_lines

),

-- LiteLLM writes FOCUS of what it routed, at its own prices. Its rows count requests and name the provider in a tag,
-- bill an API key, or bill for a day of one model; a destination may have dropped the columns that it doesn't know.
told as (

    select
        *,
        coalesce(
            (
                routed_provider is not null
                and (lower(consumed_unit) = 'requests' or lower(billing_account_type) = 'api key')
            )
            or (
                lower(billing_account_type) = 'api key'
                and lower(consumed_unit) = 'requests'
                and billing_period_start = charge_period_start
                and billing_period_end = charge_period_end
                and charge_description = resource_id
            ),
            false
        ) as is_routed
    from named

),

-- A consumption that a purchase pays for: the purchase itself then costs nothing of its own.
consumed as (

    select distinct
        seller_name,
        billing_account_id,
        commitment,
        true as is_consumed
    from told
    where lower(charge_category) = 'usage' and effective_cost > billed_cost

),

landed as (

    select
        told.*,
        coalesce(consumed.is_consumed, false) as is_consumed
    from told
    left join consumed on {{ are_same('told', 'consumed', ['seller_name', 'billing_account_id', 'commitment']) }}

),

charges as (

    select
        *,
        lower(coalesce(
            provider_name, service_provider_name, publisher_name, host_provider_name, invoice_issuer_name,
            case when is_routed then coalesce(routed_provider, 'litellm') end
        )) as stated_provider,
        -- Clouds name the model in any of these: usage type, meter, SKU or the marketplace's service name.
        lower(concat_ws(
            ' | ', usage_type, sku_description, sku_meter, sku_id, sku_price_details, charge_description, service_name
        )) as all_text,
        coalesce(nullif(lower(trim(charge_category)), ''), 'usage') as category,
        coalesce(lower(trim(charge_class)), '') = 'correction' as is_correction,
        {{ without_pattern('sub_account_id', '^/[Ss]ubscriptions/') }} as bare_sub_account_id,
        -- FOCUS's own words for what is AI, and meters of tokens, where these are no credentials and no currency of the
        -- vendor's own.
        case
            when lower(service_subcategory) = 'generative ai' then 'stated'
            when
                coalesce(lower(charge_category), 'usage') = 'usage'
                and (
                    lower(concat_ws(' ', consumed_unit, pricing_unit)) like '%token%'
                    or {{ has_pattern(
                        "lower(concat_ws(' ', sku_meter, sku_description))",
                        '(input|output|prompt|completion|cached?|reasoning|embedding)[ _-]+(text[ _-]+)?tokens?'
                    ) }}
                )
                and coalesce(lower(service_category), '') not in ('identity', 'security')
                and coalesce(lower(pricing_currency), '') not like '%token%'
                then 'stated'
            when
                lower(service_category) = 'ai and machine learning'
                or lower(concat_ws(' ', consumed_unit, pricing_unit)) like '%token%'
                then 'hinted'
        end as ai_sign,
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
    -- A gateway's own account of what went through it: evidence, never a bill. Its accounts are its keys.
    case when is_routed then 'litellm_focus' else file_kind end as file_kind,
    case when is_routed then 'gateway' else 'bill' end as file_role,
    file_id,
    source_file,
    source_line,
    row_no,
    -- A profile, a deployment or an endpoint is what calls name instead of a key.
    case
        when is_routed then billing_account_id
        when {{ has_pattern('resource_id', 'inference-profile/|provisioned-model/|/deployments/|/endpoints/') }}
            then resource_id
    end as api_key,
    case when not is_routed then coalesce(bare_sub_account_id, billing_account_id) end as account_id,
    case when not is_routed then billing_account_id end as bill_account_id,
    charge_period_start as starts_at,
    greatest(charge_period_end - interval 1 microsecond, charge_period_start) as ends_at,
    -- A purchase reaches beyond the file's own time, a correction before it.
    min(case when is_use and not is_correction then charge_period_start end)
        over account_of_file as covers_from,
    max(case when is_use and not is_correction then charge_period_end - interval 1 microsecond end)
        over account_of_file as covers_to,
    case when is_routed then lower(coalesce(resource_id, charge_description)) else all_text end as model_name,
    -- Storage by the hour has no token quantity, whatever the text beside it says.
    case
        when is_routed then 'tokens'
        when is_by_hour then all_text || ' | token-hours'
        else all_text
    end as meter_name,
    cast(
        case when measure is not null then stated_quantity end
        * coalesce(try_cast(replace(regexp_extract(measure, '([0-9][0-9,]*)', 1), ',', '') as bigint), 1)
        * case
            when {{ has_pattern('measure', '[0-9] *m|million|^m ') }} then 1000000
            when {{ has_pattern('measure', '[0-9] *k|thousand|^k ') }} then 1000
            else 1
        end as decimal(38, 6)
    ) as quantity,
    -- The quantity in the unit that the line charges for, whichever that is.
    cast(coalesce(pricing_quantity, consumed_quantity) as decimal(38, 6)) as billed_units,
    coalesce(billed_cost, 0) as billed_amount,
    -- A purchase that nothing consumes is used up by time; a cloud's own detail says itself what is left of one.
    case
        when file_kind = 'focus' and category = 'purchase' and effective_cost = 0 and not is_consumed then billed_cost
        else effective_cost
    end as effective_amount,
    upper(coalesce(billing_currency, 'USD')) as currency,
    service_name,
    region_id as region,
    concat_ws(' | ', usage_type, sku_meter, sku_description, sku_id) as sku,
    charge_description as description,
    category,
    ai_sign,
    invoice_id,
    concat_ws(' | ', resource_id, region_id, tags) as resource,
    tags
from measured
window account_of_file as (partition by file_id, is_routed, billing_account_id)
