{% set movement = ['posted_month', 'corrects_month', 'kind', 'basis', 'provider'] %}
with movements as (

    select
        {{ movement | join(',\n        ') }},
        team_id as debit_team_id,
        counterparty_team_id as credit_team_id,
        sum(amount_usd) as amount_usd
    from {{ ref('ledger_entries') }}
    where side = 'debit'
    group by {{ movement | join(', ') }}, team_id, counterparty_team_id

),

-- A reversal is rounded as its booking was, so that both cancel to the cent.
directed as (

    select
        *,
        case
            when sum(amount_usd) over (partition by {{ movement | join(', ') }}) < 0 then -1
            else 1
        end as direction
    from movements

),

in_cents as (

    select
        directed.*,
        -- The transfers of two teams are parts of the figure that team_transfers_monthly has for them.
        {{ cents_by_largest_remainder(
            'directed.amount_usd', 'directed.posted_month, directed.debit_team_id, directed.credit_team_id',
            'directed.corrects_month, directed.kind, directed.basis, directed.provider',
            'coalesce(transfers.amount_booked_usd, 0) * 100'
        ) }} as transfer_cents,
        -- Bills and accruals add up to each provider's total in cents.
        directed.direction * {{ cents_by_largest_remainder(
            'directed.direction * directed.amount_usd',
            'directed.posted_month, directed.corrects_month, directed.kind, directed.basis, directed.provider',
            'directed.debit_team_id, directed.credit_team_id'
        ) }} as bill_cents
    from directed
    left join {{ ref('team_transfers_monthly') }} as transfers
        on
            directed.posted_month = transfers.month
            and directed.debit_team_id = transfers.debtor_team_id
            and directed.credit_team_id = transfers.creditor_team_id

),

rounded as (

    select
        *,
        case when credit_team_id is not null then transfer_cents else bill_cents end as cents
    from in_cents

),

-- A team's net charge is a part of the month's total, its legs are parts of bills and transfers: they differ by cents.
costs as (

    select
        posted_month,
        debit_team_id as team_id,
        cents
    from rounded
    where kind in ('bill', 'accrual') or credit_team_id is not null

    union all

    select
        posted_month,
        credit_team_id as team_id,
        -cents as cents
    from rounded
    where credit_team_id is not null

    union all

    select
        month as posted_month,
        team_id,
        -net_charge_booked_usd * 100 as cents
    from {{ ref('team_chargeback_monthly') }}

),

booked as (

    select
        {{ movement | join(',\n        ') }},
        debit_team_id,
        credit_team_id,
        cents
    from rounded

    union all

    select
        posted_month,
        cast(null as date) as corrects_month,
        'rounding' as kind,
        'billed' as basis,
        cast(null as string) as provider,
        team_id as debit_team_id,
        cast(null as string) as credit_team_id,
        cast(-sum(cents) as bigint) as cents
    from costs
    group by posted_month, team_id

),

numbered as (

    select
        *,
        row_number() over (
            partition by posted_month
            order by {{ in_order('corrects_month nulls first, kind, basis, provider, debit_team_id, credit_team_id') }}
        ) as journal_no
    from booked
    where cents != 0

),

legs as (

    select
        {{ movement | join(',\n        ') }},
        journal_no,
        1 as leg_no,
        case kind when 'prepayment' then 'prepaid' else 'ai_cost' end as account,
        debit_team_id as team_id,
        cents
    from numbered

    union all

    select
        {{ movement | join(',\n        ') }},
        journal_no,
        2 as leg_no,
        case
            when kind in ('bill', 'prepayment') then 'provider_payable'
            when kind = 'accrual' then 'accrued_payable'
            when kind = 'rounding' then 'rounding'
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
    {{ as_cents('greatest(legs.cents, 0)') }} as debit_usd,
    {{ as_cents('greatest(-legs.cents, 0)') }} as credit_usd,
    legs.corrects_month
from legs
left join {{ ref('teams') }} as teams on legs.team_id = teams.team_id
