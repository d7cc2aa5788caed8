-- one row per call, payer that its charges name, and whether they are a gateway's fee: what of the call is on bills
with calls as (

    select
        call_key,
        started_on
    from {{ ref('int_call_providers') }}
    where {{ is_touched('started_on', 'touched_day') }}

),

by_response as (

    select
        call_key,
        nullif(payer_team_id, 'unattributed') as payer_team_id,
        is_fee,
        min(case when is_fee then provider end) as provider,
        min(case when is_fee then account_id end) as account_id,
        sum(billed_usd) as billed_usd,
        min(charged_on) as charged_on
    from {{ ref('int_charges_settled') }}
    where call_key is not null and {{ is_wanted('call_key', 'calls', 'call_key') }}
    group by call_key, nullif(payer_team_id, 'unattributed'), is_fee

),

-- A call's part of each meter's group goes by what it used of that meter.
grouped_calls as (

    select
        members.call_key,
        members.member_id as call_id,
        groups.group_id,
        paid.payer_team_id,
        paid.taken_usd,
        paid.cutoff_usd,
        groups.is_matched,
        groups.match_level,
        members.quantity,
        {{ floored_part('paid.taken_usd', 'members.quantity', 'groups.traced_quantity') }} as taken_part,
        {{ floored_part('paid.cutoff_usd', 'members.quantity', 'groups.traced_quantity') }} as cutoff_part
    from {{ ref('int_match_members_grouped') }} as members
    inner join {{ ref('int_charge_groups_shifted') }} as groups
        on {{ meet_in('members', 'groups') }}
    inner join {{ ref('int_charge_groups_paid') }} as paid on groups.group_id = paid.group_id
    where
        members.side = 'call' and not members.is_excluded and (groups.is_matched or groups.shifted_quantity > 0)
        and {{ is_touched('members.usage_on', 'touched_day') }}

),

{% set group = 'group_id, payer_team_id' %}
by_group as (

    select
        call_key,
        payer_team_id,
        is_matched,
        match_level,
        {{ part_with_residue('taken_usd', 'taken_part', 'quantity', group, 'call_id') }} as billed_usd,
        {{ part_with_residue('cutoff_usd', 'cutoff_part', 'quantity', group, 'call_id') }} as cutoff_usd
    from grouped_calls

),

by_group_and_call as (

    select
        call_key,
        payer_team_id,
        sum(billed_usd) as billed_usd,
        sum(cutoff_usd) as cutoff_usd,
        -- The coarsest level at which any of its meters met.
        min(case when is_matched then match_level else 'adjacent_day' end) as match_level
    from by_group
    group by call_key, payer_team_id

),

parts as (

    select
        calls.call_key,
        calls.started_on,
        response.payer_team_id,
        response.is_fee,
        response.provider,
        response.account_id,
        response.billed_usd,
        cast(date_trunc('month', response.charged_on) as date) as billed_month,
        response.billed_usd as cutoff_usd,
        'response_id' as match_level
    from calls
    inner join by_response as response on calls.call_key = response.call_key

    union all

    select
        calls.call_key,
        calls.started_on,
        grouped.payer_team_id,
        false as is_fee,
        null as provider,
        null as account_id,
        grouped.billed_usd,
        cast(date_trunc('month', case
            -- Days that take from another month are its neighbours.
            when grouped.cutoff_usd != 0 and day(calls.started_on) = 1 then calls.started_on - 1
            when grouped.cutoff_usd != 0 then calls.started_on + 1
            else calls.started_on
        end) as date) as billed_month,
        grouped.cutoff_usd,
        grouped.match_level
    from calls
    inner join by_group_and_call as grouped on calls.call_key = grouped.call_key

)

select
    call_key,
    started_on,
    payer_team_id,
    is_fee,
    -- Only a fee has these: it is on another bill than the call.
    provider,
    account_id,
    {{ money('billed_usd') }} as billed_usd,
    -- The amount that is on another month's bill, and the month.
    nullif(billed_month, cast(date_trunc('month', started_on) as date)) as cutoff_month,
    case when billed_month != date_trunc('month', started_on) then {{ money('cutoff_usd') }} end as cutoff_usd,
    match_level,
    row_number() over (
        partition by call_key order by is_fee, abs(billed_usd) desc, payer_team_id nulls last
    ) as part_no,
    count(*) over (partition by call_key) > 1 or is_fee as is_parted
from parts
