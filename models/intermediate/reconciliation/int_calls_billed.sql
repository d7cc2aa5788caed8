-- one row per call: what the bill says it cost, at which level they met, or that it still accrues
{% set of_usage = ['situation_no', 'tool_meter', 'stated_tier', 'stated_geo', 'context_tokens', 'is_summed'] %}
{% for meter in call_meters() %}
    {% do of_usage.append(meter_column(meter)) %}
{% endfor %}
with calls as (

    select
        {{ all_but('calls', ['account_id', 'call_id', 'is_answered', 'started_at', 'is_on_bill'] + of_usage) }},
        windowed.account_id,
        windowed.is_in_bill,
        windowed.is_provisional and totalled.call_key is null as is_provisional
    from {{ ref('int_calls_priced') }} as calls
    inner join {{ ref('int_calls_windowed') }} as windowed on calls.call_key = windowed.call_key
    left join {{ ref('int_calls_totalled') }} as totalled on calls.call_key = totalled.call_key
    where {{ is_touched('calls.started_on', 'touched_day') }}

),

by_response as (

    select
        response_key as call_key,
        sum(billed_usd) as billed_usd,
        min(charged_on) as charged_on
    from {{ ref('int_charges_standing') }}
    where response_key is not null and {{ is_wanted('response_key', 'calls', 'call_key') }}
    group by response_key

),

-- A call's part of each meter's group goes by what it used of that meter.
grouped_calls as (

    select
        members.call_key,
        members.member_id as call_id,
        groups.group_id,
        groups.taken_usd,
        groups.cutoff_usd,
        groups.is_matched,
        groups.match_level,
        members.quantity,
        {{ floored_part('groups.taken_usd', 'members.quantity', 'groups.traced_quantity') }} as taken_part,
        {{ floored_part('groups.cutoff_usd', 'members.quantity', 'groups.traced_quantity') }} as cutoff_part
    from {{ ref('int_match_members_grouped') }} as members
    inner join {{ ref('int_charge_groups_shifted') }} as groups
        on {{ meet_in('members', 'groups') }}
    where
        members.side = 'call' and not members.is_excluded and (groups.is_matched or groups.shifted_quantity > 0)
        and {{ is_touched('members.usage_on', 'touched_day') }}

),

by_group as (

    select
        call_key,
        is_matched,
        match_level,
        {{ part_with_residue('taken_usd', 'taken_part', 'quantity', 'group_id', 'call_id') }} as billed_usd,
        {{ part_with_residue('cutoff_usd', 'cutoff_part', 'quantity', 'group_id', 'call_id') }} as cutoff_usd
    from grouped_calls

),

by_group_and_call as (

    select
        call_key,
        sum(billed_usd) as billed_usd,
        sum(cutoff_usd) as cutoff_usd,
        -- The coarsest level at which any of its meters met.
        min(case when is_matched then match_level else 'adjacent_day' end) as match_level
    from by_group
    group by call_key

),

settled as (

    select
        {{ all_but('calls', ['is_in_bill']) }},
        response.billed_usd as response_usd,
        cast(date_trunc('month', case
            when response.call_key is not null then response.charged_on
            -- Days that take from another month are its neighbours.
            when grouped.cutoff_usd != 0 and day(calls.started_on) = 1 then calls.started_on - 1
            when grouped.cutoff_usd != 0 then calls.started_on + 1
            else calls.started_on
        end) as date) as billed_month,
        grouped.cutoff_usd as group_cutoff,
        grouped.billed_usd as group_usd,
        grouped.match_level as group_level,
        -- What a bucket that may still grow does not know accrues.
        calls.is_in_bill
        and not (calls.is_provisional and response.call_key is null and grouped.call_key is null) as is_in_bill
    from calls
    left join by_response as response on calls.call_key = response.call_key
    left join by_group_and_call as grouped on calls.call_key = grouped.call_key

)

select
    {{ all_but('', ['response_usd', 'group_usd', 'group_level', 'group_cutoff', 'billed_month']) }},
    -- The bill is the truth also where it is silent: over-traced calls cost nothing.
    case when is_in_bill then {{ money('coalesce(response_usd, group_usd, 0)') }} end as billed_usd,
    -- What of it stands on the bill of another month, and which.
    nullif(billed_month, cast(date_trunc('month', started_on) as date)) as cutoff_month,
    case
        when billed_month != date_trunc('month', started_on) then {{ money('coalesce(response_usd, group_cutoff)') }}
    end as cutoff_usd,
    case when response_usd is not null then 'response_id' else coalesce(group_level, 'none') end as match_level,
    case
        when is_in_bill then 'billed'
        when priced_usd is not null then 'accrued'
        else 'unpriced'
    end as basis
from settled
