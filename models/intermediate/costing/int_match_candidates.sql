with candidates as (

    select
        'charge' as side,
        charge_id as member_id,
        cast(null as bigint) as call_key,
        provider,
        account_id,
        api_key,
        charged_on as usage_on,
        model,
        meter,
        quantity,
        billed_usd as amount_usd,
        response_id is not null as is_identified,
        is_rounded,
        false as is_provisional,
        price_tier as tier,
        context_side,
        context_limit,
        inference_geo as geo,
        cast(null as bigint) as context_tokens,
        false as is_summed
    from {{ ref('int_exact_matches') }}
    where call_id is null and meter is not null and treatment != 'own_capacity'

    union all

    select
        'call' as side,
        call_id as member_id,
        call_key,
        provider,
        account_id,
        api_key,
        usage_on,
        model,
        meter,
        quantity,
        priced_usd as amount_usd,
        is_answered as is_identified,
        false as is_rounded,
        is_provisional,
        stated_tier as tier,
        null as context_side,
        null as context_limit,
        stated_geo as geo,
        context_tokens,
        is_summed
    from {{ ref('int_unmatched_usage') }}

    union all

    select
        'usage' as side,
        usage_id as member_id,
        null as call_key,
        provider,
        account_id,
        api_key,
        usage_on,
        model,
        meter,
        quantity,
        null as amount_usd,
        false as is_identified,
        false as is_rounded,
        false as is_provisional,
        price_tier as tier,
        context_side,
        context_limit,
        inference_geo as geo,
        null as context_tokens,
        false as is_summed
    from {{ ref('int_usage_counts') }}
    where {{ is_touched('usage_on', 'read_day') }}

),

candidates_per_key as (

    select
        provider,
        usage_on,
        model,
        meter,
        api_key,
        count(*) filter (where side = 'charge') as charges,
        count(*) filter (where side = 'call') as calls,
        count(*) filter (where side = 'call' and account_id is null) as calls_without_account,
        bool_and(is_identified) filter (where side = 'charge') as is_identified,
        max(context_limit) as context_limit
    from candidates
    group by provider, usage_on, model, meter, api_key

),

-- Match at the finest level that every charge and call of the day supports: API key, else account, else day. Keys count
-- if at least one is on both sides.
match_levels as (

    select
        provider,
        usage_on,
        model,
        meter,
        sum(calls_without_account) = 0 as has_account,
        sum(case when api_key is null then charges + calls else 0 end) = 0
        and max(case when api_key is not null and charges > 0 and calls > 0 then 1 else 0 end) = 1 as has_key,
        -- A call with a response id never takes money from charges that carry other ids.
        coalesce(bool_and(is_identified), false) as is_identified,
        coalesce(max(context_limit), 200000) as context_limit
    from candidates_per_key
    group by provider, usage_on, model, meter

),

-- Tier, length of the prompt and region count if bills, or the usage files that itemize their totals, tell them apart
-- on any day: an increment of some days must match as a build of all days does.
rates_told_apart as (

    select
        provider,
        model,
        meter,
        count(price_tier) > 0 as by_tier,
        count(context_side) > 0 as by_context_side,
        count(inference_geo) > 0 as by_geo
    from (
        select
            provider,
            model,
            meter,
            price_tier,
            context_side,
            inference_geo
        from {{ ref('int_charges') }}

        union all

        select
            provider,
            model,
            meter,
            price_tier,
            context_side,
            inference_geo
        from {{ ref('int_usage_of_totals') }}
    ) as charged
    group by provider, model, meter

)

select
    candidates.side,
    candidates.member_id,
    candidates.call_key,
    candidates.provider,
    candidates.account_id,
    candidates.usage_on,
    candidates.model,
    candidates.meter,
    candidates.quantity,
    candidates.amount_usd,
    candidates.is_rounded,
    candidates.is_provisional,
    candidates.side = 'call' and candidates.is_identified and levels.is_identified as is_excluded,
    case when levels.has_key then candidates.api_key end as match_key,
    case when levels.has_account then candidates.account_id end as match_account_id,
    case when levels.has_key then 'key_day' when levels.has_account then 'account_day' else 'day' end
    || case when candidates.meter = 'total' then '' else '_model_meter' end as match_level,
    case when rates.by_tier then candidates.tier end as tier,
    case
        when not coalesce(rates.by_context_side, false) then null
        when candidates.side != 'call' then candidates.context_side
        when candidates.context_tokens <= levels.context_limit then 'short'
        -- The sum of many requests may exceed the limit although none of them did.
        when not candidates.is_summed then 'long'
    end as context_side,
    case when rates.by_geo then candidates.geo end as geo
from candidates
inner join match_levels as levels
    on
        candidates.provider = levels.provider
        and candidates.usage_on = levels.usage_on
        and candidates.model is not distinct from levels.model
        and candidates.meter = levels.meter
left join rates_told_apart as rates
    on
        candidates.provider = rates.provider
        and candidates.model is not distinct from rates.model
        and candidates.meter = rates.meter
