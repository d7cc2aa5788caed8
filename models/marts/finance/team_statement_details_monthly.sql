{% set unit_price = floored_part('amount_usd', '1000000', whole_number('quantity * 1000000')) %}
{% set line = ['posted_month', 'team_id', 'section', 'item', 'corrects_month', 'provider', 'model'] %}
with entries as (

    select
        *,
        {{ chargeback_line() }} as line
    from {{ ref('ledger_entries') }}
    where account = 'ai_cost'

),

usage as (

    select
        *,
        {{ chargeback_line() }} as line
    from (
        select
            *,
            bearer_team_id as team_id,
            'bill' as kind,
            'debit' as side,
            cast(null as date) as corrects_month
        from {{ ref('int_metered_costs_daily') }}
    ) as metered

),

-- What the ledger has of a provider and model beyond its calls stands in a row without a meter: money without calls,
-- pool credits, shares, and what a closed month holds of calls that have changed since.
amounts as (

    select
        posted_month,
        team_id,
        {{ statement_section('line') }} as section,
        feature_id as item,
        corrects_month,
        provider,
        model,
        meter,
        quantity,
        amount_usd
    from usage

    union all

    select
        posted_month,
        team_id,
        {{ statement_section('line') }} as section,
        feature_id as item,
        corrects_month,
        provider,
        model,
        cast(null as string) as meter,
        null as quantity,
        -amount_usd as amount_usd
    from usage

    union all

    select
        posted_month,
        team_id,
        {{ statement_section('line') }} as section,
        feature_id as item,
        corrects_month,
        provider,
        model,
        cast(null as string) as meter,
        null as quantity,
        amount_usd
    from entries

),

summed as (

    select
        {{ line | join(', ') }},
        meter,
        cast(sum(quantity) as decimal(38, 6)) as quantity,
        {{ money('sum(amount_usd)') }} as amount_usd
    from amounts
    group by {{ line | join(', ') }}, meter
    having meter is not null or sum(amount_usd) != 0

)

select
    posted_month as month,
    {{ line[1:] | join(',\n    ') }},
    meter,
    quantity,
    case
        when amount_usd != 0 and quantity > 0
            then cast({{ unit_price }} as decimal(18, 12))
    end as unit_price_usd,
    amount_usd
from summed
