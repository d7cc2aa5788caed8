{% set kind = [
    'side', 'usage_on', 'provider', 'match_account_id', 'match_key', 'model', 'meter', 'tier', 'context_side', 'geo'
] %}
{% set whole = ['quantity', 'amount_usd', 'is_rest', 'is_shared', 'weight', 'total_weight'] %}
with candidates as (

    select
        {{ all_but('members', ['tier', 'context_side', 'geo', 'match_level']) }},
        members.match_level || case when offered.is_exact then '_tier' else '' end as match_level,
        offered.match_rate,
        offered.is_rest,
        offered.is_shared,
        offered.weight,
        offered.total_weight
    from {{ ref('int_match_candidates') }} as members
    inner join {{ ref('int_match_rates') }} as offered on {{ are_same('members', 'offered', kind) }}

),

-- A call that does not state its tier, context or region can meet several charges, with a part of its quantity each.
quantity_parts as (

    select
        *,
        cast(case
            when is_rest then 0
            else {{ whole_quotient(whole_number('quantity') ~ ' * ' ~ whole_number('weight'), 'total_weight') }}
        end as bigint) as part_quantity
    from candidates
    where is_shared

),

priced_parts as (

    select
        *,
        case
            when not is_rest then coalesce({{ floored_part('amount_usd', 'part_quantity', 'quantity') }}, 0)
        end as part_usd
    from quantity_parts

),

split_candidates as (

    select
        {{ all_but('', whole + ['part_quantity', 'part_usd']) }},
        cast(
            case when is_rest then quantity - sum(part_quantity) over same else part_quantity end as bigint
        ) as quantity,
        {{ money("case
            when amount_usd is not null
                then case when is_rest then amount_usd - coalesce(sum(part_usd) over same, 0) else part_usd end
        end") }} as amount_usd
    from priced_parts
    window same as (partition by side, member_id, provider, usage_on, model, meter)

)

select
    {{ all_but('', whole) }},
    cast(quantity as bigint) as quantity,
    {{ money('amount_usd') }} as amount_usd
from candidates
where not is_shared

union all

select * from split_candidates
