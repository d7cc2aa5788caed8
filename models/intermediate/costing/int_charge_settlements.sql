{{ replaces_touched("charged_on", by="touched_day") }}
with charges as (

    select * from {{ ref('int_exact_matches') }}
    where {{ is_touched('charged_on', 'touched_day') }}

),

members as (

    select * from {{ ref('int_match_members') }}
    where side = 'charge' and {{ is_touched('usage_on', 'touched_day') }}

),

groups as (

    select * from {{ ref('int_cutoff_matches') }}

),

-- A group's charges give in proportion to their size. The smallest weight lets a line that is rounded to zero take
-- part.
charge_weights as (

    select
        members.member_id as charge_id,
        groups.group_id,
        groups.given_usd,
        groups.rounding_usd,
        groups.sampled_usd,
        groups.is_matched,
        groups.match_level,
        {{ whole_number('abs(members.amount_usd) * 1000000000000 + 1') }} as weight,
        sum({{ whole_number('abs(members.amount_usd) * 1000000000000 + 1') }}) over (partition by groups.group_id)
            as total_weight
    from members
    inner join groups
        on {{ meet_in('members', 'groups') }}

),

charge_parts as (

    select
        *,
        {{ floored_part('given_usd', 'weight', 'total_weight') }} as given_part,
        {{ floored_part('rounding_usd', 'weight', 'total_weight') }} as rounding_part,
        {{ floored_part('sampled_usd', 'weight', 'total_weight') }} as sampled_part
    from charge_weights

),

given_amounts as (

    select
        charge_id,
        group_id,
        is_matched,
        given_usd,
        match_level,
        {{ part_with_residue('given_usd', 'given_part', 'weight', 'group_id', 'charge_id') }} as attributed_usd,
        {{ part_with_residue('rounding_usd', 'rounding_part', 'weight', 'group_id', 'charge_id') }} as rounding_usd,
        {{ part_with_residue('sampled_usd', 'sampled_part', 'weight', 'group_id', 'charge_id') }} as sampled_usd
    from charge_parts

),

-- Lines of own capacity give what of it was used.
used_charges as (

    select
        charges.charge_id,
        groups.weight,
        groups.unseen_weight,
        case
            when groups.weight + groups.unseen_weight = 0 then {{ money('0') }}
            when groups.capacity is null or groups.used >= groups.capacity then charges.billed_usd
            else {{ floored_part('charges.billed_usd', 'groups.used', 'groups.capacity') }}
        end as used_usd
    from charges
    inner join {{ ref('int_driver_groups') }} as groups on charges.driver_group_id = groups.driver_group_id

),

driven_charges as (

    select
        charge_id,
        used_usd,
        weight + unseen_weight > 0 as is_used,
        coalesce({{ floored_part('used_usd', 'weight', '(weight + unseen_weight)') }}, 0) as attributed_usd
    from used_charges

)

select
    charges.charge_id,
    charges.origin_charge_id,
    coalesce(given.group_id, charges.driver_group_id) as group_id,
    charges.provider,
    charges.account_id,
    charges.api_key,
    charges.treatment,
    charges.charged_on,
    charges.model,
    charges.meter,
    charges.call_key,
    charges.call_id,
    charges.quantity,
    charges.billed_usd,
    charges.prepaid_usd,
    case
        when charges.call_id is not null then charges.billed_usd
        else {{ money('coalesce(given.attributed_usd, driven.attributed_usd, 0)') }}
    end as attributed_usd,
    -- A sampler dropped the traces of these calls; kept calls stand for them.
    {{ money('coalesce(given.sampled_usd, driven.used_usd - driven.attributed_usd, 0)') }} as sampled_usd,
    {{ money('coalesce(charges.billed_usd - driven.used_usd, 0)') }} as idle_usd,
    {{ money('coalesce(given.rounding_usd, 0)') }} as rounding_usd,
    -- A line without a meter is no usage: fees, taxes, credits.
    case when charges.meter is null then charges.billed_usd else {{ money('0') }} end as invoice_only_usd,
    case
        when charges.meter is null or charges.call_id is not null or driven.charge_id is not null then {{ money('0') }}
        else {{ money('''charges.billed_usd - coalesce(given.attributed_usd, 0) - coalesce(given.sampled_usd, 0)
            - coalesce(given.rounding_usd, 0)''') }}
    end as untraced_usd,
    case
        when charges.call_id is not null then 'response_id'
        when given.is_matched then given.match_level
        when given.given_usd != 0 then 'adjacent_day'
        when driven.is_used then 'cost_driver'
        else 'none'
    end as match_level,
    -- The payer named by the charge's key, tags or account. Without one, the payers of its calls pay.
    coalesce(charges.payer_team_id, 'unattributed') as payer_team_id,
    charges.tagged_feature_id,
    charges.own_key_provider is not null as is_fee
from charges
left join given_amounts as given on charges.charge_id = given.charge_id
left join driven_charges as driven on charges.charge_id = driven.charge_id
