{{ replaces_touched("started_on", by="touched_day") }}
{% set usage_group = ['provider', 'usage_on', 'model', 'meter'] %}
with sampled_calls as (

    select * from {{ ref('int_sampled_calls') }}

),

group_payments as (

    select
        group_id,
        nullif(payer_team_id, 'unattributed') as payer_team_id,
        sum(sampled_usd) as sampled_usd
    from {{ ref('int_charge_settlements') }}
    where sampled_usd != 0 and {{ is_touched('charged_on', 'touched_day') }}
    group by group_id, nullif(payer_team_id, 'unattributed')

),

-- A match group's calls take what its charges leave in proportion to what each stands for, not to what was seen.
billed_usage as (

    select
        members.call_key,
        members.usage_on as started_on,
        'billed' as basis,
        groups.group_id,
        payments.payer_team_id,
        payments.sampled_usd,
        -- All that the charges left was taken, so that the total is known and only its parts are estimated.
        groups.sampled_quantity < groups.unseen_quantity as is_whole,
        {{ unseen_quantity('members.quantity', 'sampled_calls.adjusted_count') }} as unseen_quantity
    from {{ ref('int_match_members') }} as members
    inner join sampled_calls on members.call_key = sampled_calls.call_key
    inner join {{ ref('int_cutoff_matches') }} as groups on {{ meet_in('members', 'groups') }}
    inner join group_payments as payments on groups.group_id = payments.group_id
    where
        members.side = 'call' and not members.is_excluded
        and {{ is_touched('members.usage_on', 'touched_day') }}

),

accruing_calls as (

    select
        calls.call_key,
        calls.started_on,
        calls.started_on as usage_on,
        calls.provider,
        calls.account_id,
        calls.model,
        calls.accrued_usd,
        sampled_calls.adjusted_count
    from {{ ref('int_call_costs') }} as calls
    inner join sampled_calls on calls.call_key = sampled_calls.call_key
    where not calls.is_in_bill and not calls.is_represented and {{ is_touched('calls.started_on', 'touched_day') }}

),

counted_usage as (

    select
        {{ usage_group | join(',\n        ') }},
        nullif(payer_team_id, 'unattributed') as payer_team_id,
        sum(sampled_usd) as sampled_usd,
        sum(untraced_usd) = 0 as is_whole
    from {{ ref('int_accrued_usage') }}
    where is_unbilled and {{ is_touched('usage_on', 'touched_day') }}
    group by {{ usage_group | join(', ') }}, nullif(payer_team_id, 'unattributed')

),

-- The same for what usage files count beyond the calls.
accruing_usage as (

    select
        calls.call_key,
        calls.started_on,
        'accrued' as basis,
        {{ entry_key(['counted.provider', 'counted.usage_on', 'counted.model', 'counted.meter']) }} as group_id,
        counted.payer_team_id,
        counted.sampled_usd,
        counted.is_whole,
        {{ sum_of_unseen(unseen_quantity('meters.quantity', 'calls.adjusted_count')) }} as unseen_quantity
    from accruing_calls as calls
    inner join {{ ref('int_usage_items') }} as meters on calls.call_key = meters.call_key
    inner join {{ ref('meter_families') }} as families
        on calls.provider = families.provider and meters.meter = families.call_meter
    inner join counted_usage as counted
        on
            calls.provider = counted.provider
            and calls.usage_on = counted.usage_on
            and calls.model = counted.model
            and families.billed_meter = counted.meter
    where counted.sampled_usd != 0
    group by
        calls.call_key, calls.started_on, counted.provider, counted.usage_on, counted.model, counted.meter,
        counted.payer_team_id, counted.sampled_usd, counted.is_whole

),

weighted_usage as (

    select * from billed_usage
    where unseen_quantity > 0

    union all

    select * from accruing_usage
    where unseen_quantity > 0

),

group_parts as (

    {{ allocate('weighted_usage', {'sampled_usd': 'sampled_usd'}, weight='unseen_quantity',
        within=['group_id', 'payer_team_id'], tie_breaker=['call_key']) | indent }}

),

counted_calls as (

    select distinct calls.call_key
    from accruing_calls as calls
    inner join {{ ref('int_accrued_usage') }} as counted
        on
            calls.provider = counted.provider
            and calls.usage_on = counted.usage_on
            and calls.model = counted.model
            and coalesce(calls.account_id = counted.account_id, true)
    where counted.is_unbilled and {{ is_touched('counted.usage_on', 'touched_day') }}

),

{% set payment = ['driver_group_id', 'payer_team_id', 'provider', 'account_id'] %}
driver_payments as (

    select
        settled.group_id as driver_group_id,
        nullif(settled.payer_team_id, 'unattributed') as payer_team_id,
        settled.provider,
        settled.account_id,
        bool_and(groups.capacity is null or groups.used >= groups.capacity) as is_whole,
        sum(settled.sampled_usd) as sampled_usd
    from {{ ref('int_charge_settlements') }} as settled
    inner join {{ ref('int_driver_groups') }} as groups on settled.group_id = groups.driver_group_id
    where
        settled.treatment = 'own_capacity' and settled.sampled_usd != 0
        and {{ is_touched("cast(date_trunc('month', settled.charged_on) as date)", 'month') }}
    group by
        settled.group_id, nullif(settled.payer_team_id, 'unattributed'), settled.provider, settled.account_id

),

driver_weights as (

    select
        payments.*,
        uses.call_key,
        uses.started_on,
        uses.unseen_weight
    from driver_payments as payments
    inner join {{ ref('int_driver_uses') }} as uses on payments.driver_group_id = uses.driver_group_id
    where
        uses.unseen_weight > 0
        and {{ is_touched("cast(date_trunc('month', uses.started_on) as date)", 'month') }}

),

-- Own capacity, in proportion to what kept calls stand for.
driver_parts as (

    {{ allocate('driver_weights', {'sampled_usd': 'sampled_usd'}, weight='unseen_weight', within=payment,
        tie_breaker=['call_key']) | indent }}

),

-- Dropped calls cost what kept ones do, unless a bill or a usage file says how much there was.
call_parts as (

    select
        call_key,
        started_on,
        basis,
        payer_team_id,
        cast(null as string) as provider,
        cast(null as string) as account_id,
        is_whole,
        sampled_usd
    from group_parts

    union all

    select
        call_key,
        started_on,
        'billed' as basis,
        payer_team_id,
        provider,
        account_id,
        is_whole,
        sampled_usd
    from driver_parts
    where {{ is_touched('started_on', 'touched_day') }}

    union all

    select
        calls.call_key,
        calls.started_on,
        'accrued' as basis,
        cast(null as string) as payer_team_id,
        cast(null as string) as provider,
        cast(null as string) as account_id,
        false as is_whole,
        {{ floored_part('calls.accrued_usd', '(calls.adjusted_count - 1) * 1000000', 1000000) }} as sampled_usd
    from accruing_calls as calls
    left join counted_calls as counted on calls.call_key = counted.call_key
    where counted.call_key is null and calls.accrued_usd != 0

)

select
    call_key,
    started_on,
    basis,
    payer_team_id,
    -- Only own capacity has these: it is on another bill than the call.
    provider,
    account_id,
    row_number() over (partition by call_key order by {{ in_order('payer_team_id, provider, account_id') }})
        as payer_no,
    {{ money('sum(sampled_usd)') }} as sampled_usd,
    {{ money('sum(case when is_whole then sampled_usd else 0 end)') }} as whole_usd
from call_parts
group by call_key, started_on, basis, payer_team_id, provider, account_id
having sum(sampled_usd) != 0
