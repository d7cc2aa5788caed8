-- one row per origin charge, method and taker (feature, bearer, payer, purpose): its part of cost and quantity
{% set taker = ['feature_id', 'bearer_team_id', 'payer_team_id', 'purpose'] %}
{% set tie_breaker = "feature_id, bearer_team_id, payer_team_id, purpose" %}
{# The payer that a charge names pays all its parts; without one, the payers of its calls pay theirs. #}
{% set payer = "coalesce(nullif(origins.payer_team_id, 'unattributed'), takers.payer_team_id)" %}
{% set taken = [
    'takers.feature_id', 'coalesce(takers.bearer_team_id, ' ~ payer ~ ') as bearer_team_id', payer ~ ' as payer_team_id',
    'takers.purpose'
] %}
with origins as (

    select * from {{ ref('int_charges_originated') }}

),

takers as (

    select
        *,
        originating_feature_id as feature_id
    from {{ ref('int_charges_taken') }}
    where origin_charge_id is not null

),

allotted as (

    -- Calls that the charge's own lines name, and calls that no bill knows yet.
    select
        takers.origin_charge_id,
        {{ taken | join(',\n        ') }},
        case origins.basis when 'billed' then 'response_id' else 'price_book' end as method,
        takers.amount_usd,
        origins.called_usd as whole_usd,
        takers.quantity,
        origins.called_quantity as whole_quantity,
        {{ whole_number('abs(takers.amount_usd) * 1000000000000') }} + takers.quantity as weight
    from takers
    inner join origins on takers.origin_charge_id = origins.origin_charge_id

    union all

    select
        origins.origin_charge_id,
        {{ taken | join(',\n        ') }},
        origins.match_level as method,
        coalesce({{ floored_part('origins.grouped_usd', 'takers.weight', 'sum(takers.weight) over charge') }}, 0)
            as amount_usd,
        origins.grouped_usd as whole_usd,
        null as quantity,
        origins.quantity - origins.called_quantity as whole_quantity,
        takers.weight
    from origins
    inner join {{ ref('int_charge_groups_taken') }} as takers on origins.group_id = takers.group_id
    where origins.match_level is not null
    window charge as (partition by origins.origin_charge_id)

    {% for feature_id, amount_usd, is_part in [
        ('untraced', 'untraced_usd',
            'meter is not null and (untraced_usd != 0 or (match_level is null and lines > called_lines))'),
        ('invoice_only', 'invoice_only_usd', 'meter is null or invoice_only_usd != 0'),
    ] %}
        union all

        select
            origin_charge_id,
            {{ 'coalesce(tagged_feature_id, ' if feature_id == 'untraced' else '(' }}'{{ feature_id }}') as feature_id,
            payer_team_id as bearer_team_id,
            payer_team_id,
            'unknown' as purpose,
            '{{ feature_id }}' as method,
            {{ amount_usd }} as amount_usd,
            {{ amount_usd }} as whole_usd,
            {{ 'null' if feature_id == 'untraced' else '0' }} as quantity,
            {{ 'quantity - called_quantity' if feature_id == 'untraced' else '0' }} as whole_quantity,
            {{ whole_number('abs(' ~ amount_usd ~ ') * 1000000000000 + 1') }} as weight
        from origins
        where {{ is_part }}
    {% endfor %}

),

-- Several takers may have one payer.
parts as (

    select
        origin_charge_id,
        {{ taker | join(',\n        ') }},
        method,
        sum(amount_usd) as amount_usd,
        min(whole_usd) as whole_usd,
        sum(quantity) as quantity,
        min(whole_quantity) as whole_quantity,
        sum(weight) as weight
    from allotted
    group by origin_charge_id, {{ taker | join(', ') }}, method

),

-- What the lines' own calls did not use, the rest used by its money.
counted as (

    select
        *,
        quantity is null as is_rest,
        coalesce(quantity, {{ whole_quotient(
            whole_number('whole_quantity') ~ ' * weight', 'sum(weight) over (partition by origin_charge_id, quantity is null)'
        ) }}) as part_quantity
    from parts

),

summed as (

    select
        origin_charge_id,
        {{ taker | join(',\n        ') }},
        method,
        {{ part_with_residue(
            'whole_usd', 'amount_usd', 'weight', 'origin_charge_id, method', tie_breaker
        ) }} as amount_usd,
        {{ part_with_residue(
            'whole_quantity', 'part_quantity', 'weight',
            "origin_charge_id, case when is_rest then '' else method end", tie_breaker ~ ', method'
        ) }} as quantity
    from counted

)

select * from summed
