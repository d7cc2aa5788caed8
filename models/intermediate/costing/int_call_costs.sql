with usage_prices as (

    select
        call_key,
        cast(sum(quantity) as bigint) as quantity,
        sum(priced_usd) as priced_usd,
        sum({{ money('quantity * list_price_usd') }}) as list_usd,
        case when not bool_or(month_end_usd is null) then sum(month_end_usd) end as month_end_usd,
        sum(coalesce(write_premium_usd, 0)) as write_premium_usd,
        max(cache_write_rule) as cache_write_rule,
        bool_or(is_assumed) as is_assumed,
        bool_or(unit_price_usd is null) as is_in_no_book,
        bool_or(list_price_usd is null) as is_in_no_list,
        -- True if the book has no price even for the meters that it does not price separately.
        bool_or(unit_price_usd is null and meter not in (
            'audio_input', 'audio_output', 'image_input', 'image_output', 'web_search', 'request'
        )) as is_plain_in_no_book
    from {{ ref('int_usage_items') }}
    group by call_key

),

billed_parts as (

    select
        call_key,
        sum(case when not is_fee then billed_usd end) as billed_usd,
        sum(case when is_fee then billed_usd end) as fee_usd,
        -- The coarsest level at which any of its meters matched.
        min(case when not is_fee then match_level end) as match_level,
        bool_or(is_parted) as is_parted,
        bool_or(match_level = 'cost_driver') as is_driven,
        max(case when part_no = 1 then payer_team_id end) as payer_team_id,
        max(case when part_no = 1 then cutoff_month end) as cutoff_month,
        max(case when part_no = 1 then cutoff_usd end) as cutoff_usd
    from {{ ref('int_call_cost_parts') }}
    group by call_key

),

driven_calls as (

    select distinct call_key
    from {{ ref('int_driver_calls') }}

),

calls as (

    select
        {{ all_but('calls', ['account_id']) }},
        coverage.account_id,
        usage_prices.quantity,
        usage_prices.priced_usd,
        usage_prices.list_usd,
        usage_prices.month_end_usd,
        usage_prices.is_in_no_list,
        usage_prices.write_premium_usd,
        usage_prices.cache_write_rule,
        usage_prices.is_assumed,
        usage_prices.is_in_no_book,
        usage_prices.is_plain_in_no_book or calls.tool_meter is not null as is_plain_in_no_book,
        -- A price is that of all that a call used, or none.
        coalesce(not usage_prices.is_in_no_book, false) and calls.usage_fault is null as is_priced,
        billed_parts.billed_usd as matched_usd,
        billed_parts.fee_usd,
        billed_parts.match_level,
        coalesce(billed_parts.is_parted, false) as is_parted,
        driven.call_key is not null as is_on_own_capacity,
        coalesce(billed_parts.is_driven, false) as is_driven,
        billed_parts.payer_team_id,
        billed_parts.cutoff_month,
        billed_parts.cutoff_usd,
        coverage.is_represented,
        -- Calls that the latest, provisional bucket does not list accrue.
        coverage.is_in_bill and not (coverage.is_provisional and billed_parts.match_level is null)
        and driven.call_key is null as is_in_bill
    from {{ ref('int_call_providers') }} as calls
    inner join {{ ref('int_call_billing_coverage') }} as coverage on calls.call_key = coverage.call_key
    left join usage_prices on calls.call_key = usage_prices.call_key
    left join billed_parts on calls.call_key = billed_parts.call_key
    left join driven_calls as driven on calls.call_key = driven.call_key
    where {{ is_touched('calls.started_on', 'touched_day') }}

),

priced_calls as (

    select
        {{ all_but('', ['priced_usd', 'stated_usd']) }},
        {{ money('stated_usd') }} as stated_usd,
        case when is_priced then {{ money('priced_usd') }} end as priced_usd
    from calls

)

select
    call_key,
    trace_key,
    provider,
    vendor,
    account_id,
    api_key,
    started_on,
    model,
    coalesce(quantity, 0) as quantity,
    stated_usd,
    priced_usd,
    -- By the price book as it was known on the month's last day.
    case when usage_fault is null then {{ money('month_end_usd') }} end as month_end_usd,
    case when is_priced and not is_in_no_list then {{ money('list_usd') }} end as list_usd,
    case when is_priced and cache_write_rule is not null then {{ money('write_premium_usd') }} end
        as cache_write_premium_usd,
    cache_write_rule,
    is_priced and is_assumed and tool_meter is null as is_price_assumed,
    case
        when is_on_own_capacity then 'own_capacity'
        when started_at is null then 'no_time'
        when model_key is null then 'no_model'
        -- Rerankers bill requests, and count no tokens.
        when not has_usage and requests = 0 then 'no_usage'
        when usage_fault is not null then usage_fault
        when quantity is null then 'no_tokens'
        when is_in_no_book and not is_provider_known then 'provider_not_known'
        when is_in_no_book and is_in_book and not is_plain_in_no_book then 'meter_not_in_price_book'
        when is_in_no_book then 'model_not_in_price_book'
    end as unpriced_reason,
    is_in_bill,
    -- Calls of whole traces stand for it, and take what it cost.
    is_represented,
    fee_usd,
    is_parted,
    payer_team_id,
    cutoff_month,
    cutoff_usd,
    -- A bill is authoritative for what it covers, so calls that it does not list cost nothing. A gateway's fee and own
    -- capacity are on other bills than the call.
    case
        when is_in_bill then {{ money('coalesce(matched_usd, 0) + coalesce(fee_usd, 0)') }}
        when fee_usd is not null then {{ money('fee_usd') }}
    end as billed_usd,
    case
        when is_in_bill then null
        when is_represented then {{ money('priced_usd * 0') }}
        else priced_usd
    end as accrued_usd,
    case
        when is_represented then 'represented'
        when is_driven then 'cost_driver'
        else coalesce(match_level, 'none')
    end as match_level,
    case
        when is_in_bill or is_driven then 'billed'
        when fee_usd is not null then 'mixed'
        when priced_usd is not null then 'accrued'
        else 'unpriced'
    end as basis
from priced_calls
