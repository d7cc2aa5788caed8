{% set taker = ['feature_id', 'bearer_team_id', 'payer_team_id', 'purpose'] %}
{# The payer that a charge names pays all its parts; without one, the payers of its calls pay theirs. #}
{% set payer = "coalesce(nullif(charges.payer_team_id, 'unattributed'), takers.payer_team_id)" %}
{% set described = [
    'origin_charge_id', 'basis', 'charged_on', 'provider', 'account_id', 'bill_account_id', 'api_key', 'model', 'meter',
    'price_tier', 'list_price_usd', 'unit_price_usd', 'service_name', 'sku', 'description', 'category', 'invoice_id'
] %}
with charges as (

    select
        charges.*,
        kinds.service_name,
        kinds.sku,
        kinds.description,
        case
            -- Bills without charge categories show credits only as negative amounts.
            when
                charges.meter is null and kinds.service_name is null
                and charges.invoice_only_usd + charges.prepaid_usd < 0
                then 'credit'
            when kinds.category in ('tax', 'purchase', 'credit', 'adjustment') then kinds.category
            else 'usage'
        end as category
    from {{ ref('int_focus_charges') }} as charges
    left join {{ ref('int_charge_types') }} as kinds on charges.kind_id = kinds.kind_id

),

takers as (

    select * from {{ ref('int_focus_takers') }}

),

{% set flow = [
    'group_id', 'group_before', 'group_after', 'is_matched', 'attributed_usd', 'given_usd', 'given_back_usd',
    'given_back_quantity', 'given_ahead_usd', 'given_ahead_quantity', 'traced_quantity'
] %}
groups as (

    select
        {{ flow | join(',\n        ') }}
    from {{ ref('int_cutoff_matches') }}

    union all

    -- Own capacity is shared among its group's calls by weight alone; the amount only has to be other than 0.
    select
        driver_group_id as group_id,
        null as group_before,
        null as group_after,
        true as is_matched,
        {{ money('1') }} as attributed_usd,
        {{ money('1') }} as given_usd,
        {{ money('0') }} as given_back_usd,
        0 as given_back_quantity,
        {{ money('0') }} as given_ahead_usd,
        0 as given_ahead_quantity,
        weight as traced_quantity
    from {{ ref('int_driver_groups') }}
    where weight > 0

),

-- A group's charges give to its own calls, and what these leave to the calls of the adjacent days.
group_flows as (

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

),

group_takers as (

    select
        flows.group_id,
        takers.{{ taker | join(',\n        takers.') }},
        -- Charges that cost nothing are allocated by usage alone.
        {{ whole_number('sum(abs(' ~ floored_part(
            'flows.flow_usd', 'takers.micro_quantity', 'groups.traced_quantity * 1000000'
        ) ~ ')) * 1000000000000 + sum(case when flows.is_free then takers.quantity else 0 end)') }} as weight
    from group_flows as flows
    inner join takers on flows.taking_group_id = takers.group_id and not takers.is_sampled
    inner join groups on flows.taking_group_id = groups.group_id
    group by flows.group_id, takers.{{ taker | join(', takers.') }}

),

sampled_parts as (

    select
        charges.origin_charge_id,
        takers.feature_id,
        coalesce(takers.bearer_team_id, {{ payer }}) as bearer_team_id,
        {{ payer }} as payer_team_id,
        takers.purpose,
        {{ floored_part('charges.sampled_usd', 'takers.micro_quantity', 'sum(takers.micro_quantity) over charge') }}
            as amount_usd,
        charges.sampled_usd as whole_usd,
        charges.quantity - charges.called_quantity as whole_quantity
    from charges
    inner join takers on charges.group_id = takers.group_id and takers.is_sampled
    where charges.sampled_usd != 0
    window charge as (partition by charges.origin_charge_id)

),

takings as (

    -- Calls that the charge's own lines name, and calls that no bill covers yet.
    select
        takers.origin_charge_id,
        takers.feature_id,
        coalesce(takers.bearer_team_id, {{ payer }}) as bearer_team_id,
        {{ payer }} as payer_team_id,
        takers.purpose,
        case
            when charges.basis = 'billed' then 'response_id'
            when charges.meter = 'total' then 'sampled'
            else 'price_book'
        end as method,
        takers.amount_usd,
        charges.called_usd as whole_usd,
        takers.quantity,
        charges.called_quantity as whole_quantity,
        {{ whole_number('abs(takers.amount_usd) * 1000000000000') }} + takers.quantity as weight
    from takers
    inner join charges on takers.origin_charge_id = charges.origin_charge_id

    union all

    -- Calls that its lines met in a match group.
    select
        charges.origin_charge_id,
        takers.feature_id,
        coalesce(takers.bearer_team_id, {{ payer }}) as bearer_team_id,
        {{ payer }} as payer_team_id,
        takers.purpose,
        charges.match_level as method,
        coalesce({{ floored_part('charges.grouped_usd', 'takers.weight', 'sum(takers.weight) over charge') }}, 0)
            as amount_usd,
        charges.grouped_usd as whole_usd,
        null as quantity,
        charges.quantity - charges.called_quantity as whole_quantity,
        takers.weight
    from charges
    inner join group_takers as takers on charges.group_id = takers.group_id
    where charges.match_level is not null
    window charge as (partition by charges.origin_charge_id)

    union all

    -- Calls of the group that stand for dropped ones.
    select
        origin_charge_id,
        feature_id,
        bearer_team_id,
        payer_team_id,
        purpose,
        'sampled' as method,
        amount_usd,
        whole_usd,
        null as quantity,
        whole_quantity,
        {{ whole_number('abs(amount_usd) * 1000000000000 + 1') }} as weight
    from sampled_parts

    union all

    -- Usage that no call explains, under the feature that the charge's tags name.
    select
        origin_charge_id,
        coalesce(tagged_feature_id, 'untraced') as feature_id,
        payer_team_id as bearer_team_id,
        payer_team_id,
        'unknown' as purpose,
        'untraced' as method,
        untraced_usd as amount_usd,
        untraced_usd as whole_usd,
        null as quantity,
        quantity - called_quantity as whole_quantity,
        {{ whole_number('abs(untraced_usd) * 1000000000000 + 1') }} as weight
    from charges
    where
        meter is not null
        and (untraced_usd != 0 or (match_level is null and lines > called_lines and idle_usd = 0))

    union all

    -- Own capacity that nobody used.
    select
        origin_charge_id,
        'idle' as feature_id,
        payer_team_id as bearer_team_id,
        payer_team_id,
        'unknown' as purpose,
        'idle' as method,
        idle_usd as amount_usd,
        idle_usd as whole_usd,
        null as quantity,
        quantity - called_quantity as whole_quantity,
        {{ whole_number('abs(idle_usd) * 1000000000000 + 1') }} as weight
    from charges
    where idle_usd != 0

    union all

    -- Fees, taxes and credits.
    select
        origin_charge_id,
        'invoice_only' as feature_id,
        payer_team_id as bearer_team_id,
        payer_team_id,
        'unknown' as purpose,
        'invoice_only' as method,
        invoice_only_usd as amount_usd,
        invoice_only_usd as whole_usd,
        0 as quantity,
        0 as whole_quantity,
        {{ whole_number('abs(invoice_only_usd) * 1000000000000 + 1') }} as weight
    from charges
    where meter is null or invoice_only_usd != 0

),

-- Takers without a bearer of their own may have the same payer.
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
    from takings
    group by origin_charge_id, {{ taker | join(', ') }}, method

),

-- Usage beyond the charge's own calls is allocated in proportion to the money.
counted_parts as (

    select
        *,
        case when quantity is not null then method else '' end as counted_by,
        coalesce(quantity, {{ whole_quotient(
            whole_number('whole_quantity') ~ ' * weight',
            'sum(weight) over (partition by origin_charge_id, quantity is null)'
        ) }}) as part_quantity
    from parts

),

{% set tie_breaker = taker + ['method'] %}
whole_parts as (

    select
        origin_charge_id,
        {{ tie_breaker | join(',\n        ') }},
        {{ part_with_residue(
            'whole_usd', 'amount_usd', 'weight', 'origin_charge_id, method', taker | join(', ')
        ) }} as amount_usd,
        cast({{ part_with_residue(
            'whole_quantity', 'part_quantity', 'weight', 'origin_charge_id, counted_by', tie_breaker | join(', ')
        ) }} as bigint) as quantity
    from counted_parts

),

weighted_parts as (

    select
        {{ all_but('charges', ['payer_team_id', 'quantity']) }},
        parts.{{ tie_breaker | join(',\n        parts.') }},
        parts.amount_usd,
        parts.quantity,
        -- A charge of nothing is shared by usage.
        case
            when sum(abs(parts.amount_usd)) over (partition by parts.origin_charge_id) = 0
                then {{ whole_number('abs(parts.quantity) + 1') }}
            else {{ whole_number('abs(parts.amount_usd) * 1000000000000') }}
        end as weight
    from whole_parts as parts
    inner join charges on parts.origin_charge_id = charges.origin_charge_id

),

allocated_parts as (

    {{ allocate('weighted_parts', {'share': '1', 'prepaid_part_usd': 'prepaid_usd'}, weight='weight',
        within=['origin_charge_id'], tie_breaker=tie_breaker) | indent }}

)

select
    {{ (described + tie_breaker) | join(',\n    ') }},
    quantity,
    share,
    case category when 'purchase' then {{ money('0') }} else {{ money('amount_usd + prepaid_part_usd') }} end
        as billed_usd,
    amount_usd as effective_usd,
    -- A purchase is billed once and amortized as usage later.
    case category when 'purchase' then 'usage' else category end as charge_category
from allocated_parts
-- Skip amortized rows of a purchase that is drawn down by usage lines.
where category != 'purchase' or amount_usd != 0

union all

select
    {{ described | join(',\n    ') }},
    'invoice_only' as feature_id,
    payer_team_id as bearer_team_id,
    payer_team_id,
    'unknown' as purpose,
    'purchase' as method,
    null as quantity,
    {{ money('1') }} as share,
    {{ money('called_usd + grouped_usd + sampled_usd + untraced_usd + idle_usd + invoice_only_usd + prepaid_usd') }}
        as billed_usd,
    {{ money('0') }} as effective_usd,
    category as charge_category
from charges
where
    category = 'purchase'
    and called_usd + grouped_usd + sampled_usd + untraced_usd + idle_usd + invoice_only_usd + prepaid_usd != 0
