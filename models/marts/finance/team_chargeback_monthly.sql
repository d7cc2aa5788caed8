with entries as (

    select * from {{ ref('ledger_entries') }}
    where account = 'ai_cost'

),

months as (

    select distinct posted_month from entries

),

rosters as (

    select
        months.posted_month,
        teams.team_id
    from months
    cross join {{ ref('teams') }} as teams

    union

    select
        months.posted_month,
        sentinels.team_id
    from months
    cross join (values ('quality_pool'), ('unattributed')) as sentinels (team_id)

    union

    select
        posted_month,
        team_id
    from entries

),

classified as (

    select
        *,
        {{ chargeback_line() }} as line
    from entries

),

summed as (

    select
        posted_month,
        team_id,
        sum(case when line = 'production' then amount_usd else 0 end) as production_usd,
        sum(case when line = 'evaluation' then amount_usd else 0 end) as evaluation_usd,
        sum(case when line = 'pool_credit' then -amount_usd else 0 end) as eval_pool_credit_usd,
        sum(case when line = 'development' then amount_usd else 0 end) as development_usd,
        sum(case when line = 'shared' then amount_usd else 0 end) as shared_usd,
        sum(case when line = 'unattributed' then amount_usd else 0 end) as unattributed_usd,
        sum(case when kind in ('bill', 'accrual') then amount_usd else 0 end) as paid_usd,
        -- A part of shared money that its payer takes itself has no counterparty.
        sum(case when counterparty_team_id is not null and side = 'debit' then amount_usd else 0 end)
            as transfers_out_usd,
        sum(case when counterparty_team_id is not null and side = 'credit' then -amount_usd else 0 end)
            as transfers_in_usd,
        sum(amount_usd) as net_charge_usd,
        sum(case when basis = 'accrued' then amount_usd else 0 end) as accrued_usd,
        sum(case when basis = 'billed' then amount_usd else 0 end) as billed_usd,
        sum(case when corrects_month is not null then amount_usd else 0 end) as corrections_usd
    from classified
    group by posted_month, team_id

)

{% set lines = [
    'production', 'evaluation', 'eval_pool_credit', 'development', 'shared', 'unattributed', 'paid', 'transfers_out',
    'transfers_in', 'net_charge', 'accrued', 'billed', 'corrections'
] %}
select
    rosters.posted_month as month,
    rosters.team_id,
    {% for line in lines -%}
        {{ money('coalesce(summed.' ~ line ~ '_usd, 0)') }} as {{ line }}_usd{% if not loop.last %},{% endif %}
    {% endfor %}
from rosters
left join summed
    on rosters.posted_month = summed.posted_month and rosters.team_id = summed.team_id
