{{ replaces_touched("started_on", by="spilled_day") }}
{% set keys = [
    'posted_month', 'started_on', 'bearer_team_id', 'feature_id', 'purpose', 'provider', 'account_id', 'model',
    'waste_kind'
] %}
{# Money that only moves between months (a cost of 0) takes no usage along. #}
{% set part_billed_elsewhere = 'coalesce(' ~ floored_part(
    'usage_share', whole_number('borne_cutoff_usd * 1000000000000'), whole_number('borne_usd * 1000000000000')
) ~ ', 0)' %}
with cost_shares as (

    select * from {{ ref('int_cost_shares') }}
    where (borne_usd != 0 or borne_cutoff_usd != 0) and {{ is_touched('started_on', 'spilled_day') }}

),

-- An unread prompt cache wastes what writing it cost beyond plain input. The other kinds waste the whole call.
wasted_calls as (

    select
        wasted.call_key,
        wasted.kind,
        max(shares.priced_usd) as priced_usd,
        max(shares.cache_write_premium_usd) as cache_write_premium_usd
    from {{ ref('int_wasted_calls') }} as wasted
    inner join {{ ref('int_call_shares') }} as shares on wasted.call_key = shares.call_key
    where not shares.is_sampled and {{ is_touched('shares.started_on', 'spilled_day') }}
    group by wasted.call_key, wasted.kind

),

-- A call that was billed in the month beside its own is posted there, with that part of its usage.
posted_shares as (

    select
        call_key,
        cast(date_trunc('month', started_on) as date) as posted_month,
        started_on,
        bearer_team_id,
        originating_feature_id as feature_id,
        purpose,
        payable_provider as provider,
        payable_account_id as account_id,
        model,
        usage_share - {{ part_billed_elsewhere }} as share,
        borne_usd - coalesce(borne_cutoff_usd, 0) as amount_usd,
        is_sampled
    from cost_shares

    union all

    select
        call_key,
        cutoff_month as posted_month,
        started_on,
        bearer_team_id,
        originating_feature_id as feature_id,
        purpose,
        payable_provider as provider,
        payable_account_id as account_id,
        model,
        {{ part_billed_elsewhere }} as share,
        borne_cutoff_usd as amount_usd,
        is_sampled
    from cost_shares
    where borne_cutoff_usd != 0

),

marked_shares as (

    select
        shares.*,
        case when wasted.kind != 'cache_write_unread' then wasted.kind end as waste_kind,
        case
            when wasted.kind = 'cache_write_unread' then {{ unread_write_part('shares.amount_usd', 'wasted') }}
        end as unread_usd
    from posted_shares as shares
    left join wasted_calls as wasted on shares.call_key = wasted.call_key and not shares.is_sampled
    where shares.amount_usd != 0

),

measured_usage as (

    select
        {{ keys | join(',\n        ') }},
        'call' as meter,
        share as quantity,
        0 as priced_usd,
        amount_usd - coalesce(unread_usd, 0) as amount_usd
    from marked_shares

    union all

    select
        {{ keys[:-1] | join(',\n        ') }},
        'cache_write_unread' as waste_kind,
        'call' as meter,
        0 as quantity,
        0 as priced_usd,
        unread_usd as amount_usd
    from marked_shares
    where unread_usd != 0

    union all

    select
        shares.{{ keys | join(',\n        shares.') }},
        usage.meter,
        usage.quantity * shares.share as quantity,
        coalesce(usage.priced_usd, 0) * shares.share as priced_usd,
        0 as amount_usd
    from marked_shares as shares
    inner join {{ ref('int_call_meters') }} as usage
        on shares.call_key = usage.call_key and shares.started_on = usage.started_on

),

metered_usage as (

    select
        {{ keys | join(',\n        ') }},
        meter,
        cast(sum(quantity) as decimal(38, 6)) as quantity,
        {{ whole_number(money('sum(priced_usd)') ~ ' * 1000000000000') }} as priced_weight,
        {{ whole_number('sum(quantity) * 1000000') }} as quantity_weight,
        sum(amount_usd) as calls_usd
    from measured_usage
    group by {{ keys | join(', ') }}, meter

),

-- Meters share the calls' cost as the price book values them; without any price by quantity, and without meters the
-- calls keep it.
weighted_usage as (

    select
        *,
        sum(calls_usd) over calls_of_day as amount_usd,
        case
            when sum(priced_weight) over calls_of_day > 0 then priced_weight
            when sum(case when meter != 'call' then quantity_weight end) over calls_of_day > 0
                then case when meter = 'call' then 0 else quantity_weight end
            when meter = 'call' then 1
            else 0
        end as weight
    from metered_usage
    window calls_of_day as (partition by {{ keys | join(', ') }})

),

split_usage as (

    {{ allocate('weighted_usage', {'amount_usd': 'amount_usd'}, weight='weight', within=keys, tie_breaker=['meter'])
        | indent }}

)

select
    {{ keys | join(',\n    ') }},
    meter,
    quantity,
    amount_usd
from split_usage
