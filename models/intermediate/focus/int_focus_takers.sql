{{ replaces_touched("taken_on", by="touched_day") }}
{# The payer bears what nobody else does; the charge names the payer, else the call. #}
{% set taker = ['feature_id', 'bearer_team_id', 'payer_team_id', 'purpose'] %}
with members as (

    select * from {{ ref('int_match_members') }}
    where side = 'call' and not is_excluded and {{ is_touched('usage_on', 'touched_day') }}

),

groups as (

    select * from {{ ref('int_cutoff_matches') }}

),

charged_calls as (

    -- Calls whose response id the charge carries take what the charge states.
    select
        charged_on as taken_on,
        origin_charge_id,
        cast(null as string) as group_id,
        call_key,
        attributed_usd as amount_usd,
        quantity,
        false as is_sampled
    from {{ ref('int_charge_settlements') }}
    where call_key is not null and {{ is_touched('charged_on', 'touched_day') }}

    union all

    -- Calls of a match group take of its charges in proportion to their usage.
    select
        members.usage_on as taken_on,
        null as origin_charge_id,
        groups.group_id,
        members.call_key,
        null as amount_usd,
        members.quantity,
        false as is_sampled
    from members
    inner join groups on {{ meet_in('members', 'groups') }}
    where groups.is_matched or groups.shifted_quantity > 0

    union all

    -- And in proportion to the usage of dropped calls that they stand for, of what these charges leave.
    select
        members.usage_on as taken_on,
        null as origin_charge_id,
        groups.group_id,
        members.call_key,
        null as amount_usd,
        {{ unseen_quantity('members.quantity', 'sampled.adjusted_count') }} as quantity,
        true as is_sampled
    from members
    inner join groups on {{ meet_in('members', 'groups') }}
    inner join {{ ref('int_sampled_calls') }} as sampled on members.call_key = sampled.call_key
    where groups.sampled_usd != 0

    union all

    -- Calls share own capacity by their weight, and by that of the dropped calls that they stand for.
    {% for quantity, is_sampled in [('weight', 'false'), ('unseen_weight', 'true')] %}
        select
            started_on as taken_on,
            null as origin_charge_id,
            driver_group_id as group_id,
            call_key,
            null as amount_usd,
            {{ quantity }} as quantity,
            {{ is_sampled }} as is_sampled
        from {{ ref('int_driver_uses') }}
        where {{ quantity }} > 0 and {{ is_touched('started_on', 'touched_day') }}

        union all
    {% endfor %}

    -- Calls that no bill covers yet take what they should cost.
    select
        calls.started_on as taken_on,
        {{ accrual_key('calls', 'meters') }} as origin_charge_id,
        null as group_id,
        calls.call_key,
        meters.priced_usd as amount_usd,
        meters.quantity,
        false as is_sampled
    from {{ ref('int_call_costs') }} as calls
    inner join {{ ref('int_usage_items') }} as meters on calls.call_key = meters.call_key
    where
        calls.accrued_usd is not null and not calls.is_represented
        and {{ is_touched('calls.started_on', 'touched_day') }}

    union all

    select
        sampled.started_on as taken_on,
        {{ sampled_accrual_key('calls', 'sampled') }} as origin_charge_id,
        null as group_id,
        sampled.call_key,
        sampled.sampled_usd as amount_usd,
        0 as quantity,
        false as is_sampled
    from {{ ref('int_sampled_costs') }} as sampled
    inner join {{ ref('int_call_costs') }} as calls on sampled.call_key = calls.call_key
    where sampled.basis = 'accrued' and {{ is_touched('sampled.started_on', 'touched_day') }}

),

borne_calls as (

    select
        calls.*,
        shares.originating_feature_id as feature_id,
        case when not shares.is_payer_bearer then shares.bearer_team_id end as bearer_team_id,
        shares.own_payer_team_id as payer_team_id,
        shares.purpose,
        {{ whole_number('shares.origin_share * 1000000000000') }} as part
    from charged_calls as calls
    inner join {{ ref('int_cost_shares') }} as shares on calls.call_key = shares.call_key
    where shares.part_no = 1 and not shares.is_sampled

)

select
    taken_on,
    origin_charge_id,
    group_id,
    is_sampled,
    {{ taker | join(',\n    ') }},
    -- Cut off where calls are split; the remainder is allocated with the whole charge.
    {{ money('sum(' ~ floored_part('amount_usd', 'part', 1000000000000) ~ ')') }} as amount_usd,
    cast(least(
        sum({{ whole_quotient(whole_number('quantity') ~ ' * part', 1000000000000) }}), 4000000000000000000
    ) as bigint) as quantity,
    -- In millionths, as a weight: a token that is cut off would be money.
    {{ whole_number('sum(' ~ whole_quotient(whole_number('quantity') ~ ' * part', 1000000) ~ ')') }}
        as micro_quantity
from borne_calls
group by taken_on, origin_charge_id, group_id, is_sampled, {{ taker | join(', ') }}
