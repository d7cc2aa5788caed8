{% set payer = "coalesce(payer_team_id, '')" %}
{% set weight = whole_number('abs(charges.given_usd) * 1000000000000 + 1') %}
with calls as (

    select
        call_key,
        started_on
    from {{ ref('int_call_providers') }}
    where {{ is_touched('started_on', 'touched_day') }}

),

groups as (

    select * from {{ ref('int_cutoff_matches') }}

),

charged_calls as (

    select
        call_key,
        nullif(payer_team_id, 'unattributed') as payer_team_id,
        is_fee,
        min(case when is_fee then provider end) as provider,
        min(case when is_fee then account_id end) as account_id,
        sum(billed_usd) as billed_usd,
        min(charged_on) as charged_on
    from {{ ref('int_charge_settlements') }}
    where call_key is not null and {{ is_wanted('call_key', 'calls', 'call_key') }}
    group by call_key, nullif(payer_team_id, 'unattributed'), is_fee

),

group_charges as (

    select
        group_id,
        nullif(payer_team_id, 'unattributed') as payer_team_id,
        sum(attributed_usd) as given_usd
    from {{ ref('int_charge_settlements') }}
    where group_id is not null and call_id is null and {{ is_touched('charged_on', 'nearby_day') }}
    group by group_id, nullif(payer_team_id, 'unattributed')

),

payer_weights as (

    select
        groups.group_id,
        groups.group_before,
        groups.group_after,
        groups.usage_on,
        groups.is_matched,
        charges.payer_team_id,
        groups.given_back_usd,
        groups.given_back_quantity,
        groups.given_ahead_usd,
        groups.given_ahead_quantity,
        charges.given_usd as paid_usd,
        {{ weight }} as weight,
        sum({{ weight }}) over (partition by groups.group_id) as total_weight
    from groups
    inner join group_charges as charges on groups.group_id = charges.group_id

),

-- Payers share what goes to the adjacent days by size, and each keeps the rest of its own.
payer_parts as (

    select
        *,
        {{ floored_part('given_back_usd', 'weight', 'total_weight') }} as back_part,
        {{ floored_part('given_ahead_usd', 'weight', 'total_weight') }} as ahead_part
    from payer_weights

),

payments as (

    select
        *,
        {{ part_with_residue('given_back_usd', 'back_part', 'weight', 'group_id', payer) }} as given_back_paid_usd,
        {{ part_with_residue('given_ahead_usd', 'ahead_part', 'weight', 'group_id', payer) }} as given_ahead_paid_usd
    from payer_parts

),

payments_per_day as (

    select
        group_id,
        usage_on,
        payer_team_id,
        paid_usd - given_back_paid_usd - given_ahead_paid_usd as taken_usd,
        0 as cutoff_usd
    from payments
    where is_matched

    union all

    -- Amounts that calls take across a month's end are on the other month's bill.
    select
        group_before as group_id,
        cast(usage_on - interval 1 day as date) as usage_on,
        payer_team_id,
        given_back_paid_usd as taken_usd,
        case when day(usage_on) = 1 then given_back_paid_usd else 0 end as cutoff_usd
    from payments
    where given_back_quantity > 0

    union all

    select
        group_after as group_id,
        cast(usage_on + interval 1 day as date) as usage_on,
        payer_team_id,
        given_ahead_paid_usd as taken_usd,
        case when usage_on = last_day(usage_on) then given_ahead_paid_usd else 0 end as cutoff_usd
    from payments
    where given_ahead_quantity > 0

),

group_payments as (

    select
        group_id,
        payer_team_id,
        {{ money('sum(taken_usd)') }} as taken_usd,
        {{ money('sum(cutoff_usd)') }} as cutoff_usd
    from payments_per_day
    where {{ is_touched('usage_on', 'touched_day') }}
    group by group_id, payer_team_id

),

-- A call's part of each group is proportional to its usage of the group's meter.
usage_parts as (

    select
        members.call_key,
        members.member_id as call_id,
        payments.group_id,
        payments.payer_team_id,
        payments.taken_usd,
        payments.cutoff_usd,
        case when groups.is_matched then groups.match_level else 'adjacent_day' end as match_level,
        members.quantity,
        {{ floored_part('payments.taken_usd', 'members.quantity', 'groups.traced_quantity') }} as taken_part,
        {{ floored_part('payments.cutoff_usd', 'members.quantity', 'groups.traced_quantity') }} as cutoff_part
    from {{ ref('int_match_members') }} as members
    inner join groups on {{ meet_in('members', 'groups') }}
    inner join group_payments as payments on groups.group_id = payments.group_id
    where
        members.side = 'call' and not members.is_excluded and (groups.is_matched or groups.shifted_quantity > 0)
        and {{ is_touched('members.usage_on', 'touched_day') }}

),

{% set group = 'group_id, payer_team_id' %}
billed_usage as (

    select
        call_key,
        payer_team_id,
        match_level,
        {{ part_with_residue('taken_usd', 'taken_part', 'quantity', group, 'call_id') }} as billed_usd,
        {{ part_with_residue('cutoff_usd', 'cutoff_part', 'quantity', group, 'call_id') }} as cutoff_usd
    from usage_parts

),

matched_calls as (

    select
        call_key,
        payer_team_id,
        sum(billed_usd) as billed_usd,
        sum(cutoff_usd) as cutoff_usd,
        -- The coarsest level at which any of its meters matched.
        min(match_level) as match_level
    from billed_usage
    group by call_key, payer_team_id

),

-- Own capacity is on another provider's bill than the call.
{% set payment = ['group_id', 'payer_team_id', 'provider', 'account_id'] %}
driver_payments as (

    select
        group_id,
        nullif(payer_team_id, 'unattributed') as payer_team_id,
        provider,
        account_id,
        sum(attributed_usd) as taken_usd
    from {{ ref('int_charge_settlements') }}
    where
        treatment = 'own_capacity' and match_level = 'cost_driver'
        and {{ is_touched("cast(date_trunc('month', charged_on) as date)", 'month') }}
    group by group_id, nullif(payer_team_id, 'unattributed'), provider, account_id

),

driver_weights as (

    select
        payments.{{ payment | join(',
        payments.') }},
        payments.taken_usd,
        uses.call_key,
        uses.weight
    from driver_payments as payments
    inner join {{ ref('int_driver_uses') }} as uses on payments.group_id = uses.driver_group_id
    where uses.weight > 0 and {{ is_touched("cast(date_trunc('month', uses.started_on) as date)", 'month') }}

),

driver_parts as (

    {{ allocate('driver_weights', {'taken_usd': 'taken_usd'}, weight='weight', within=payment,
        tie_breaker=['call_key']) | indent }}

),

driven_calls as (

    select
        call_key,
        payer_team_id,
        provider,
        account_id,
        sum(taken_usd) as billed_usd
    from driver_parts
    group by call_key, payer_team_id, provider, account_id

),

call_parts as (

    select
        calls.call_key,
        calls.started_on,
        charged.payer_team_id,
        charged.is_fee,
        charged.provider,
        charged.account_id,
        charged.billed_usd,
        cast(date_trunc('month', charged.charged_on) as date) as billed_month,
        charged.billed_usd as cutoff_usd,
        'response_id' as match_level
    from calls
    inner join charged_calls as charged on calls.call_key = charged.call_key

    union all

    select
        calls.call_key,
        calls.started_on,
        matched.payer_team_id,
        false as is_fee,
        null as provider,
        null as account_id,
        matched.billed_usd,
        cast(date_trunc('month', case
            -- Only a month's first and last day can take from another month.
            when matched.cutoff_usd != 0 and day(calls.started_on) = 1 then calls.started_on - 1
            when matched.cutoff_usd != 0 then calls.started_on + 1
            else calls.started_on
        end) as date) as billed_month,
        matched.cutoff_usd,
        matched.match_level
    from calls
    inner join matched_calls as matched on calls.call_key = matched.call_key

    union all

    select
        calls.call_key,
        calls.started_on,
        driven.payer_team_id,
        true as is_fee,
        driven.provider,
        driven.account_id,
        driven.billed_usd,
        cast(date_trunc('month', calls.started_on) as date) as billed_month,
        {{ money('0') }} as cutoff_usd,
        'cost_driver' as match_level
    from calls
    inner join driven_calls as driven on calls.call_key = driven.call_key

)

select
    call_key,
    started_on,
    payer_team_id,
    is_fee,
    -- Only a fee and own capacity have these: they are on another bill than the call.
    provider,
    account_id,
    {{ money('billed_usd') }} as billed_usd,
    -- The amount that is on another month's bill, and the month.
    nullif(billed_month, cast(date_trunc('month', started_on) as date)) as cutoff_month,
    case when billed_month != date_trunc('month', started_on) then {{ money('cutoff_usd') }} end as cutoff_usd,
    match_level,
    row_number() over (
        partition by call_key
        order by is_fee, abs(billed_usd) desc, payer_team_id nulls last, provider nulls last, account_id nulls last
    ) as part_no,
    count(*) over (partition by call_key) > 1 or is_fee as is_parted
from call_parts
