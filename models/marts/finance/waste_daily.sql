{{ replaces_touched("spent_on", by="spilled_day") }}
with shares as (

    select * from {{ ref('int_call_shares') }}
    where not is_sampled and {{ is_touched('started_on', 'spilled_day') }}

),

wasted_calls as (

    select * from {{ ref('int_wasted_calls') }}

),

ended_generations as (

    select * from {{ ref('stg_openrouter__activity') }}
    where is_cancelled or is_failed

),

wasted_costs as (

    select
        shares.started_on as spent_on,
        shares.originating_feature_id as feature_id,
        wasted.kind,
        case when shares.place = 1 then 1 else 0 end as calls,
        -- An unread cache wastes what writing it cost beyond sending the same tokens as plain input.
        case
            when wasted.kind = 'cache_write_unread'
                then {{ unread_write_part('shares.borne_usd', 'shares') }}
            else shares.borne_usd
        end as wasted_usd
    from wasted_calls as wasted
    inner join shares on wasted.call_key = shares.call_key
    where wasted.kind != 'cache_write_unread' or shares.cache_write_premium_usd > 0

    union all

    -- Billed generations without a span: each line is a call.
    select
        charges.charged_on as spent_on,
        'untraced' as feature_id,
        case when bool_or(lines.is_cancelled) then 'cancelled' else 'failed' end as kind,
        1 as calls,
        max(charges.untraced_usd) as wasted_usd
    from ended_generations as lines
    inner join {{ ref('int_charge_settlements') }} as charges
        on 'openrouter:' || lines.response_id = charges.charge_id
    where charges.call_id is null and {{ is_touched('charges.charged_on', 'spilled_day') }}
    group by charges.charge_id, charges.charged_on

)

select
    spent_on,
    feature_id,
    kind,
    cast(sum(calls) as bigint) as calls,
    count(*) filter (where wasted_usd is null and calls = 1) as unpriced_calls,
    {{ money('sum(wasted_usd)') }} as wasted_usd
from wasted_costs
group by spent_on, feature_id, kind
