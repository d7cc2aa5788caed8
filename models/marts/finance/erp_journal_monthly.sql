{# The key of a journal. Its document number is a hash of the key. #}
{% set movement = ['posted_month', 'corrects_month', 'kind', 'basis', 'provider'] %}
{% set teams_of = ['debit_team_id', 'credit_team_id'] %}
{% set document = movement + ['purpose'] + teams_of %}
with postings as (

    select
        {{ movement | join(',\n        ') }},
        purpose,
        team_id as debit_team_id,
        counterparty_team_id as credit_team_id,
        sum(amount_usd) as amount_usd
    from {{ ref('ledger_entries') }}
    where side = 'debit'
    group by {{ movement | join(', ') }}, purpose, team_id, counterparty_team_id

),

months as (

    select
        posted_month,
        lead(posted_month) over (order by posted_month) as next_month
    from (select distinct posted_month from postings) as posted

),

-- An ERP accrues the whole open balance per month of use and reverses it in the next month that has a journal. The
-- ledger posts only changes, so they are added up here.
open_accruals as (

    select
        months.posted_month,
        nullif(coalesce(changes.corrects_month, changes.posted_month), months.posted_month) as corrects_month,
        changes.kind,
        changes.basis,
        changes.provider,
        changes.purpose,
        changes.debit_team_id,
        changes.credit_team_id,
        sum(changes.amount_usd) as amount_usd
    from months
    inner join postings as changes on months.posted_month >= changes.posted_month
    where changes.kind = 'accrual'
    group by
        months.posted_month, nullif(coalesce(changes.corrects_month, changes.posted_month), months.posted_month),
        changes.kind, changes.basis, changes.provider, changes.purpose, changes.debit_team_id, changes.credit_team_id
    having sum(changes.amount_usd) != 0

),

movements as (

    select * from postings
    where kind != 'accrual'

    union all

    select * from open_accruals

),

pairs as (

    select
        {{ (movement + teams_of) | join(',\n        ') }},
        sum(amount_usd) as amount_usd
    from movements
    group by {{ (movement + teams_of) | join(', ') }}

),

-- A reversal is rounded as its booking was, so that both cancel to the cent.
directed as (

    select
        *,
        case
            when sum(amount_usd) over (partition by {{ movement | join(', ') }}) < 0 then -1
            else 1
        end as direction
    from pairs

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
        -- Bills and open accruals add up to each provider's total in cents.
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

-- Split each pair's cents over its purposes, because GL accounts depend on the purpose.
purposes as (

    select
        movements.*,
        in_cents.direction,
        case when movements.credit_team_id is not null then in_cents.transfer_cents else in_cents.bill_cents end
            as pair_cents
    from movements
    inner join in_cents
        on
            movements.posted_month = in_cents.posted_month
            and movements.corrects_month is not distinct from in_cents.corrects_month
            and movements.kind = in_cents.kind
            and movements.basis = in_cents.basis
            and movements.provider is not distinct from in_cents.provider
            and movements.debit_team_id = in_cents.debit_team_id
            and movements.credit_team_id is not distinct from in_cents.credit_team_id

),

rounded as (

    select
        {{ document | join(',\n        ') }},
        direction * {{ cents_by_largest_remainder(
            'direction * amount_usd', (movement + teams_of) | join(', '), 'purpose', 'direction * pair_cents'
        ) }} as cents
    from purposes

),

documents as (

    select
        *,
        {{ document_no(document) }} as document_no
    from rounded

),

booked as (

    select
        {{ document | join(',\n        ') }},
        document_no,
        cast(null as string) as reverses_document_no,
        cents
    from documents

    union all

    select
        months.next_month as posted_month,
        coalesce(documents.corrects_month, documents.posted_month) as corrects_month,
        'reversal' as kind,
        documents.basis,
        documents.provider,
        documents.purpose,
        documents.debit_team_id,
        documents.credit_team_id,
        null as document_no,
        documents.document_no as reverses_document_no,
        -documents.cents as cents
    from documents
    inner join months on documents.posted_month = months.posted_month
    where documents.kind = 'accrual' and months.next_month is not null

),

-- Net charges and legs are rounded against different totals. Journals of kind rounding book the difference.
costs as (

    select
        posted_month,
        debit_team_id as team_id,
        cents
    from booked
    where kind in ('bill', 'accrual', 'reversal') or credit_team_id is not null

    union all

    select
        posted_month,
        credit_team_id as team_id,
        -cents as cents
    from booked
    where credit_team_id is not null

    union all

    select
        month as posted_month,
        team_id,
        -net_charge_booked_usd * 100 as cents
    from {{ ref('team_chargeback_monthly') }}

),

journals as (

    select * from booked

    union all

    select
        posted_month,
        cast(null as date) as corrects_month,
        'rounding' as kind,
        'billed' as basis,
        cast(null as string) as provider,
        cast(null as string) as purpose,
        team_id as debit_team_id,
        cast(null as string) as credit_team_id,
        cast(null as string) as document_no,
        cast(null as string) as reverses_document_no,
        cast(-sum(cents) as bigint) as cents
    from costs
    group by posted_month, team_id

),

numbered as (

    select
        {{ document | join(',\n        ') }},
        coalesce(document_no, {{ document_no(document) }}) as document_no,
        reverses_document_no,
        cents,
        row_number() over (
            partition by posted_month
            order by {{ in_order(
                'corrects_month nulls first, kind, basis, provider, debit_team_id, credit_team_id, purpose'
            ) }}
        ) as journal_no
    from journals
    where cents != 0

),

legs as (

    select
        *,
        1 as leg_no,
        case kind when 'prepayment' then 'prepaid' else 'ai_cost' end as account,
        debit_team_id as team_id,
        cents as leg_cents
    from numbered

    union all

    select
        *,
        2 as leg_no,
        case
            when kind in ('bill', 'prepayment') then 'provider_payable'
            when kind in ('accrual', 'reversal') then 'accrued_payable'
            when kind = 'rounding' then 'rounding'
            else 'ai_cost'
        end as account,
        coalesce(credit_team_id, debit_team_id) as team_id,
        -cents as leg_cents
    from numbered

),

codes as (

    {{ gl_codes('legs', ref('gl_accounts')) }}

),

worded as (

    select
        *,
        replace(kind, '_', ' ') as kind_words,
        -- A negative amount is owed the other way.
        case when cents < 0 then credit_team_id else debit_team_id end as debtor_team_id,
        case when cents < 0 then debit_team_id else credit_team_id end as creditor_team_id,
        -- Adjustments have no provider and no purpose.
        case when kind != 'adjustment' then provider || ' ' end as provider_words,
        case when kind != 'adjustment' then ', ' || purpose end as purpose_words,
        substr(cast(posted_month as string), 1, 7) as posted_in,
        substr(cast(coalesce(corrects_month, posted_month) as string), 1, 7) as used_in
    from legs

)

select
    legs.posted_month as month,
    cast(legs.journal_no as bigint) as journal_no,
    cast(legs.leg_no as integer) as leg_no,
    case legs.kind when 'reversal' then legs.posted_month else last_day(legs.posted_month) end as booked_on,
    legs.kind,
    legs.basis,
    legs.provider,
    legs.account,
    legs.team_id,
    coalesce(codes.cost_center, teams.cost_center) as cost_center,
    {{ as_cents('greatest(legs.leg_cents, 0)') }} as debit_usd,
    {{ as_cents('greatest(-legs.leg_cents, 0)') }} as credit_usd,
    legs.corrects_month,
    legs.purpose,
    coalesce(codes.gl_account, legs.account) as gl_account,
    codes.gl_account is null as is_default_gl_account,
    legs.document_no,
    legs.reverses_document_no,
    coalesce(legs.provider_words, '') || legs.kind_words
    || coalesce(': ' || legs.debtor_team_id || ' owes ' || legs.creditor_team_id, ' of ' || legs.debit_team_id)
    || coalesce(legs.purpose_words, '')
    || case
        when legs.kind = 'reversal' then ', accrued for ' || legs.used_in
        when legs.kind = 'accrual' then ', use of ' || legs.used_in || ' not billed yet'
        when legs.corrects_month is not null then ', ' || legs.posted_in || ', corrects ' || legs.used_in
        else ', ' || legs.posted_in
    end as posting_text,
    'USD' as currency
from worded as legs
left join codes
    on
        legs.account = codes.account
        and legs.purpose is not distinct from codes.purpose
        and legs.team_id = codes.team_id
left join {{ ref('teams') }} as teams on legs.team_id = teams.team_id
