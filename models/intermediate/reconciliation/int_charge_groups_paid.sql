-- one row per group whose calls take money, and payer that the giving charges name: what the calls take of it
{% set payer = "coalesce(payer_team_id, '')" %}
with charges as (

    select
        group_id,
        nullif(payer_team_id, 'unattributed') as payer_team_id,
        sum(attributed_usd) as given_usd
    from {{ ref('int_charges_settled') }}
    where group_id is not null and call_id is null and {{ is_touched('charged_on', 'nearby_day') }}
    group by group_id, nullif(payer_team_id, 'unattributed')

),

groups as (

    select * from {{ ref('int_charge_groups_shifted') }}

),

weighed as (

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
        {{ whole_number('abs(charges.given_usd) * 1000000000000 + 1') }} as weight,
        sum({{ whole_number('abs(charges.given_usd) * 1000000000000 + 1') }}) over (partition by groups.group_id)
            as total_weight
    from groups
    inner join charges on groups.group_id = charges.group_id

),

-- Payers share what goes to the adjacent days by size, and each keeps the rest of its own.
parted as (

    select
        *,
        {{ floored_part('given_back_usd', 'weight', 'total_weight') }} as back_part,
        {{ floored_part('given_ahead_usd', 'weight', 'total_weight') }} as ahead_part
    from weighed

),

given as (

    select
        *,
        {{ part_with_residue('given_back_usd', 'back_part', 'weight', 'group_id', payer) }} as given_back_paid_usd,
        {{ part_with_residue('given_ahead_usd', 'ahead_part', 'weight', 'group_id', payer) }} as given_ahead_paid_usd
    from parted

),

taken as (

    select
        group_id,
        usage_on,
        payer_team_id,
        paid_usd - given_back_paid_usd - given_ahead_paid_usd as taken_usd,
        0 as cutoff_usd
    from given
    where is_matched

    union all

    -- Amounts that calls take across a month's end are on the other month's bill.
    select
        group_before as group_id,
        cast(usage_on - interval 1 day as date) as usage_on,
        payer_team_id,
        given_back_paid_usd as taken_usd,
        case when day(usage_on) = 1 then given_back_paid_usd else 0 end as cutoff_usd
    from given
    where given_back_quantity > 0

    union all

    select
        group_after as group_id,
        cast(usage_on + interval 1 day as date) as usage_on,
        payer_team_id,
        given_ahead_paid_usd as taken_usd,
        case when usage_on = last_day(usage_on) then given_ahead_paid_usd else 0 end as cutoff_usd
    from given
    where given_ahead_quantity > 0

)

select
    group_id,
    usage_on,
    payer_team_id,
    {{ money('sum(taken_usd)') }} as taken_usd,
    {{ money('sum(cutoff_usd)') }} as cutoff_usd
from taken
where {{ is_touched('usage_on', 'touched_day') }}
group by group_id, usage_on, payer_team_id
