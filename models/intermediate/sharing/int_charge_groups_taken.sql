-- one row per group of charges and taker (feature, bearer, payer, purpose): its weight in the group's money
{% set taker = ['feature_id', 'bearer_team_id', 'payer_team_id', 'purpose'] %}
with takers as (

    select
        *,
        originating_feature_id as feature_id
    from {{ ref('int_charges_taken') }}

),

groups as (

    select * from {{ ref('int_charge_groups_shifted') }}

),

-- A group's charges give to its own calls, and what these leave to those of the days beside it.
flows as (

    {% for taking_group_id, flow_usd, is_flow in [
        ('group_id', 'attributed_usd', 'is_matched'),
        ('group_before', 'given_back_usd', 'given_back_quantity > 0'),
        ('group_after', 'given_ahead_usd', 'given_ahead_quantity > 0'),
    ] %}
        select
            group_id,
            {{ taking_group_id }} as taking_group_id,
            {{ flow_usd }} as flow_usd,
            given_usd = 0 as is_free
        from groups
        where {{ is_flow }}
        {% if not loop.last %}
            union all
        {% endif %}
    {% endfor %}

)

select
    flows.group_id,
    {% for column in taker -%}
        takers.{{ column }},
    {% endfor %}
    -- What costs nothing goes by use alone.
    {{ whole_number('sum(abs(' ~ floored_part(
        'flows.flow_usd', 'takers.micro_quantity', 'groups.traced_quantity * 1000000'
    ) ~ ')) * 1000000000000 + sum(case when flows.is_free then takers.quantity else 0 end)') }}
        as weight
from flows
inner join takers on flows.taking_group_id = takers.group_id
inner join groups on flows.taking_group_id = groups.group_id
group by flows.group_id, takers.{{ taker | join(', takers.') }}
