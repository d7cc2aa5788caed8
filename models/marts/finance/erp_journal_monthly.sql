with movements as (

    select
        posted_month,
        corrects_month,
        kind,
        basis,
        provider,
        team_id as debit_team_id,
        counterparty_team_id as credit_team_id,
        sum(amount_usd) as amount_usd
    from {{ ref('ledger_entries') }}
    where side = 'debit'
    group by posted_month, corrects_month, kind, basis, provider, team_id, counterparty_team_id

),

-- What takes a booking back is rounded as the booking was, so that both cancel to the cent.
directed as (

    select
        *,
        case
            when sum(amount_usd) over (partition by posted_month, corrects_month, kind, basis, provider) < 0 then -1
            else 1
        end as direction
    from movements

),

rounded as (

    select
        *,
        -- Bills and accruals add up to each provider's total in cents, transfers to theirs.
        direction * {{ cents_by_largest_remainder(
            'direction * amount_usd', 'posted_month, corrects_month, kind, basis, provider',
            'debit_team_id, credit_team_id'
        ) }} as cents
    from directed

),

numbered as (

    select
        *,
        row_number() over (
            partition by posted_month
            order by {{ in_order('corrects_month nulls first, kind, basis, provider, debit_team_id, credit_team_id') }}
        ) as journal_no
    from rounded
    where cents != 0

),

legs as (

    select
        posted_month,
        corrects_month,
        journal_no,
        1 as leg_no,
        kind,
        basis,
        provider,
        case kind when 'prepayment' then 'prepaid' else 'ai_cost' end as account,
        debit_team_id as team_id,
        cents
    from numbered

    union all

    select
        posted_month,
        corrects_month,
        journal_no,
        2 as leg_no,
        kind,
        basis,
        provider,
        case
            when kind in ('bill', 'prepayment') then 'provider_payable'
            when kind = 'accrual' then 'accrued_payable'
            else 'ai_cost'
        end as account,
        coalesce(credit_team_id, debit_team_id) as team_id,
        -cents as cents
    from numbered

)

select
    legs.posted_month as month,
    cast(legs.journal_no as bigint) as journal_no,
    cast(legs.leg_no as integer) as leg_no,
    last_day(legs.posted_month) as booked_on,
    legs.kind,
    legs.basis,
    legs.provider,
    legs.account,
    legs.team_id,
    teams.cost_center,
    cast(greatest(legs.cents, 0) * 0.01 as decimal(38, 2)) as debit_usd,
    cast(greatest(-legs.cents, 0) * 0.01 as decimal(38, 2)) as credit_usd,
    legs.corrects_month
from legs
left join {{ ref('teams') }} as teams on legs.team_id = teams.team_id
