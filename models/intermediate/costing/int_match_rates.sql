{% set cell = ['provider', 'match_account_id', 'match_key', 'model', 'meter'] %}
{% set scope = ['tier', 'context_side', 'geo'] %}
{% set kind = ['side', 'usage_on'] + cell + scope %}
{% set rate = [
    'rate_match_rate', 'rate_provider', 'rate_match_account_id', 'rate_match_key', 'rate_model', 'rate_meter'
] %}
with candidates as (

    select * from {{ ref('int_match_candidates') }}

),

-- Tier, context and region tell charges apart only if all charges of the day, model and meter state them.
charges as (

    select
        usage_on,
        {{ cell | join(',\n        ') }},
        quantity,
        amount_usd,
        tier as own_tier,
        context_side as own_context_side,
        geo as own_geo,
        case when count(tier) over same = count(*) over same then tier end as tier,
        case when count(context_side) over same = count(*) over same then context_side end as context_side,
        case when count(geo) over same = count(*) over same then geo end as geo
    from candidates
    where side = 'charge'
    window same as (partition by usage_on, {{ cell | join(', ') }})

),

rates as (

    select
        usage_on,
        {{ (cell + scope) | join(',\n        ') }},
        {{ match_rate(scope) }} as match_rate,
        {{ money('sum(case when amount_usd > 0 then amount_usd else 0 end)') }} as billed_usd,
        cast(coalesce(sum(quantity), 0) as bigint) as quantity
    from charges
    group by usage_on, {{ (cell + scope) | join(', ') }}

),

-- Many calls say the same, so rates are offered to each distinct kind of candidates once.
kinds as (

    select
        {{ kind | join(',\n        ') }},
        row_number() over (order by {{ in_order(kind) }}) as kind_no,
        cast(coalesce(sum(case when not is_excluded then quantity end), 0) as bigint) as quantity
    from candidates
    where side != 'charge'
    group by {{ kind | join(', ') }}

),

-- A kind can meet the charges of its day and of the adjacent days, unless both state different tiers, contexts or
-- regions.
possible_rates as (

    select
        kinds.kind_no,
        kinds.side,
        kinds.quantity,
        rates.usage_on,
        rates.provider as rate_provider,
        rates.match_account_id as rate_match_account_id,
        rates.match_key as rate_match_key,
        rates.model as rate_model,
        rates.meter as rate_meter,
        rates.match_rate as rate_match_rate,
        rates.billed_usd as rate_billed_usd,
        rates.quantity as rate_quantity,
        rates.usage_on = kinds.usage_on as is_of_day,
        -- The match is exact if the kind states all that the charge does.
        (rates.tier is null or kinds.tier is not null)
        and (rates.context_side is null or kinds.context_side is not null)
        and (rates.geo is null or kinds.geo is not null) as is_sure
    from kinds
    inner join rates
        on
            rates.usage_on between kinds.usage_on - 1 and kinds.usage_on + 1
            and {{ are_same('kinds', 'rates', cell) }}
            and coalesce(kinds.tier = rates.tier, true)
            and coalesce(kinds.context_side = rates.context_side, true)
            and coalesce(kinds.geo = rates.geo, true)

),

-- The quantity of each rate that no call stating this rate uses: of the charges, or else of the usage file.
rate_quantities as (

    select
        *,
        sum(case when side = 'call' and is_sure then quantity else 0 end) over rate as sure_quantity,
        coalesce(
            nullif(rate_quantity, 0), sum(case when side = 'usage' and is_sure then quantity else 0 end) over rate
        ) as billed_quantity,
        sum(case when is_sure then 0 else quantity end) over side_of_rate as open_quantity
    from possible_rates
    where is_of_day
    window
        rate as (partition by usage_on, {{ rate | join(', ') }}),
        side_of_rate as (partition by side, usage_on, {{ rate | join(', ') }})

),

-- Kinds that state too little take what is left of each possible rate, in proportion to it and to their size.
rate_weights as (

    select
        kind_no,
        rate_match_rate as match_rate,
        quantity,
        sure_quantity,
        min(billed_quantity) over kind > 0 and side = 'call' as is_counted,
        case
            when min(billed_quantity) over kind > 0 and side = 'call' then {{ whole_quotient(
                whole_number('greatest(billed_quantity - sure_quantity, 0)') ~ ' * ' ~ whole_number('quantity'),
                'nullif(open_quantity, 0)'
            ) }}
            else {{ whole_number('rate_billed_usd * 1000000') }}
        end as weight
    from rate_quantities
    where not is_sure
    window kind as (partition by kind_no)

),

total_weights as (

    select
        *,
        coalesce(sum(weight) over (partition by kind_no), 0) as whole,
        row_number() over (
            partition by kind_no order by {{ in_order('(sure_quantity > 0), weight desc, match_rate') }}
        ) as place
    from rate_weights

),

matched_rates as (

    select
        kind_no,
        rate_match_rate as match_rate,
        rate_match_rate is not null as is_exact,
        0 as weight,
        1 as total_weight,
        true as is_rest
    from possible_rates
    where is_of_day and is_sure

    union all

    -- Usage beyond all that is left is over-traced, and takes nothing from calls that state their rate.
    select
        kind_no,
        match_rate,
        false as is_exact,
        coalesce(weight, 0) as weight,
        case when is_counted then greatest(whole, quantity, 1) else greatest(whole, 1) end as total_weight,
        place = 1 and not (is_counted and whole < quantity and sure_quantity > 0) as is_rest
    from total_weights

),

-- Kinds without a charge on their day can only take what the next day's charges leave, or the day's before.
adjacent_day_rates as (

    {% call first_rows(partition_by="kind_no", order_by="usage_on desc, rate_billed_usd desc, rate_match_rate") %}
        select * from possible_rates
        where kind_no not in (select matched.kind_no from matched_rates as matched)
    {% endcall %}

),

complete_kinds as (

    select distinct kind_no
    from matched_rates
    where is_rest

),

offers as (

    select
        kind_no,
        match_rate,
        is_exact,
        weight,
        total_weight,
        is_rest
    from matched_rates
    where is_rest or weight > 0

    union all

    -- Candidates that fit no charge, and over-traced usage.
    select
        kinds.kind_no,
        case
            when adjacent.kind_no is not null then adjacent.rate_match_rate
            else {{ match_rate(scope, 'kinds') }}
        end as match_rate,
        false as is_exact,
        0 as weight,
        1 as total_weight,
        true as is_rest
    from kinds
    left join adjacent_day_rates as adjacent on kinds.kind_no = adjacent.kind_no
    left join complete_kinds on kinds.kind_no = complete_kinds.kind_no
    where complete_kinds.kind_no is null

)

select
    kinds.{{ kind | join(',\n    kinds.') }},
    offers.match_rate,
    offers.is_exact,
    offers.weight,
    offers.total_weight,
    offers.is_rest,
    count(*) over (partition by kinds.kind_no) > 1 as is_shared
from kinds
inner join offers on kinds.kind_no = offers.kind_no

union all

select distinct
    'charge' as side,
    usage_on,
    {{ cell | join(',\n    ') }},
    own_{{ scope | join(',\n    own_') }},
    {{ match_rate(scope) }} as match_rate,
    {{ match_rate(scope) }} is not null as is_exact,
    0 as weight,
    1 as total_weight,
    true as is_rest,
    false as is_shared
from charges
