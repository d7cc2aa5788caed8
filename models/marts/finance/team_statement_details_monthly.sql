{% set unit_price = floored_part('summed.amount_usd', '1000000', whole_number('summed.quantity * 1000000')) %}
{% set line = ['posted_month', 'team_id', 'section', 'item', 'corrects_month', 'provider', 'model'] %}
with {{ meter_names() }},

entries as (

    select * from {{ ref('ledger_entries') }}
    where account = 'ai_cost'

),

-- Each usage row appears by meter, and again negated without a meter. Added to the ledger's entries, the row without a
-- meter is the money that calls do not explain: fees, untraced spend, pool credits, shares, and calls that changed
-- since their month was closed.
usage as (

    select
        usage.posted_month,
        usage.bearer_team_id as team_id,
        usage.feature_id,
        usage.purpose,
        'bill' as kind,
        'debit' as side,
        cast(null as date) as corrects_month,
        usage.provider,
        usage.model,
        case when not rests.is_rest then usage.meter end as meter,
        case when not rests.is_rest then usage.quantity end as quantity,
        case when rests.is_rest then -usage.amount_usd else usage.amount_usd end as amount_usd
    from {{ ref('int_metered_costs_daily') }} as usage
    cross join (values (false), (true)) as rests (is_rest)

),

amounts as (

    select * from usage

    union all

    select
        posted_month,
        team_id,
        feature_id,
        purpose,
        kind,
        side,
        corrects_month,
        provider,
        model,
        cast(null as string) as meter,
        null as quantity,
        amount_usd
    from entries

),

sectioned_amounts as (

    select
        *,
        {{ statement_section() }} as section,
        feature_id as item
    from amounts

),

summed as (

    select
        {{ line | join(', ') }},
        meter,
        cast(sum(quantity) as decimal(38, 6)) as quantity,
        {{ money('sum(amount_usd)') }} as amount_usd
    from sectioned_amounts
    group by {{ line | join(', ') }}, meter
    having meter is not null or sum(amount_usd) != 0

)

select
    summed.posted_month as month,
    summed.{{ line[1:] | join(',\n    summed.') }},
    summed.meter,
    summed.quantity,
    case
        when summed.amount_usd != 0 and summed.quantity > 0
            then cast({{ unit_price }} as decimal(18, 12))
    end as unit_price_usd,
    summed.amount_usd,
    case
        when summed.meter = 'call' then 'calls'
        when summed.meter is not null then lower(coalesce(meters.unit, 'Units'))
    end as unit
from summed
left join meters on summed.meter = meters.meter
