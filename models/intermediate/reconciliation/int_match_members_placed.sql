-- one row per charge, call meter and usage count without a match by id: which keys it shares with the other side
{% set is_touched = is_touched('usage_on', 'read_day') %}
{% set of_charge = ['price_tier', 'context_side', 'context_limit', 'inference_geo', 'cast(null as bigint)', 'false'] %}
{% set of_call = [
    'stated_tier', 'cast(null as string)', 'cast(null as bigint)', 'stated_geo', 'context_tokens', 'is_summed'
] %}
{% set sides = [
    ('charge', 'int_charges_called', 'charge_id', 'null', 'charged_on', 'billed_usd', 'response_id is not null',
        'is_rounded', 'false', 'call_id is null and meter is not null', of_charge),
    ('call', 'int_call_meters_loose', 'call_id', 'call_key', 'usage_on', 'priced_usd', 'is_answered',
        'false', 'is_provisional', 'true', of_call),
    ('usage', 'int_usage_standing', 'usage_id', 'null', 'usage_on', 'null', 'false', 'false', 'false', is_touched,
        of_charge),
] %}
with members as (

    {% for side, model, id, key, usage_on, usd, is_identified, is_rounded, is_provisional, is_member, scope in sides %}
        select
            '{{ side }}' as side,
            {{ id }} as member_id,
            cast({{ key }} as bigint) as call_key,
            provider,
            account_id,
            api_key,
            {{ usage_on }} as usage_on,
            model,
            meter,
            quantity,
            {{ usd }} as amount_usd,
            {{ is_identified }} as is_identified,
            {{ is_rounded }} as is_rounded,
            {{ is_provisional }} as is_provisional,
            {{ scope[0] }} as tier,
            {{ scope[1] }} as context_side,
            {{ scope[2] }} as context_limit,
            {{ scope[3] }} as geo,
            {{ scope[4] }} as context_tokens,
            {{ scope[5] }} as is_summed
        from {{ ref(model) }}
        where {{ is_member }}
        {% if not loop.last %}
            union all
        {% endif %}
    {% endfor %}

),

keys as (

    select
        provider,
        usage_on,
        model,
        meter,
        api_key
    from members
    where side != 'usage' and api_key is not null
    group by provider, usage_on, model, meter, api_key
    having count(distinct side) = 2

),

-- The finest level that both sides have: a key on every charge and call, else the account, else the day alone.
levels as (

    select
        members.provider,
        members.usage_on,
        members.model,
        members.meter,
        count(*) filter (where members.side = 'call' and members.account_id is null) = 0 as has_account,
        count(*) filter (where members.side != 'usage' and members.api_key is null) = 0 and count(keys.api_key) > 0
            as has_key,
        -- A call with a response id never takes money from charges that carry other ids.
        coalesce(bool_and(members.is_identified) filter (where members.side = 'charge'), false) as is_identified,
        coalesce(max(members.context_limit), 200000) as context_limit
    from members
    left join keys
        on
            members.provider = keys.provider
            and members.usage_on = keys.usage_on
            and members.model is not distinct from keys.model
            and members.meter = keys.meter
            and members.api_key = keys.api_key
    group by members.provider, members.usage_on, members.model, members.meter

),

-- Tier, length of the prompt and region's scope count where bills, or the usage files that part their totals, tell them
-- apart: on any day, so that a build of some days says the same as one of all.
told as (

    select
        provider,
        model,
        meter,
        count(price_tier) > 0 as tells_tier,
        count(context_side) > 0 as tells_context_side,
        count(inference_geo) > 0 as tells_geo
    from (
        select
            provider,
            model,
            meter,
            price_tier,
            context_side,
            inference_geo
        from {{ ref('int_charges_standing') }}

        union all

        select
            provider,
            model,
            meter,
            price_tier,
            context_side,
            inference_geo
        from {{ ref('int_usage_totalled') }}
    ) as charged
    group by provider, model, meter

)

select
    members.side,
    members.member_id,
    members.call_key,
    members.provider,
    members.account_id,
    members.usage_on,
    members.model,
    members.meter,
    members.quantity,
    members.amount_usd,
    members.is_rounded,
    members.is_provisional,
    members.side = 'call' and members.is_identified and levels.is_identified as is_excluded,
    case when levels.has_key then members.api_key end as match_key,
    case when levels.has_account then members.account_id end as match_account_id,
    case when levels.has_key then 'key_day' when levels.has_account then 'account_day' else 'day' end
    || case when members.meter = 'total' then '' else '_model_meter' end as match_level,
    case when told.tells_tier then members.tier end as tier,
    case
        when not coalesce(told.tells_context_side, false) then null
        when members.side != 'call' then members.context_side
        when members.context_tokens <= levels.context_limit then 'short'
        -- The sum of many requests may exceed the limit although none of them did.
        when not members.is_summed then 'long'
    end as context_side,
    case when told.tells_geo then members.geo end as geo
from members
inner join levels
    on
        members.provider = levels.provider
        and members.usage_on = levels.usage_on
        and members.model is not distinct from levels.model
        and members.meter = levels.meter
left join told
    on
        members.provider = told.provider
        and members.model is not distinct from told.model
        and members.meter = told.meter
