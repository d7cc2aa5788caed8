{% set figures = [
    'production', 'evaluation', 'eval_pool_credit', 'development', 'shared', 'unattributed', 'paid', 'transfers_out',
    'transfers_in', 'net_charge', 'accrued', 'billed', 'corrections', 'adjustments', 'sampled', 'idle'
] %}
{# Figures that add up to the net charge, by line and by basis, with their signs. #}
{% set parts = {
    'production': '', 'evaluation': '', 'eval_pool_credit': '-', 'development': '', 'shared': '', 'unattributed': '',
    'accrued': '', 'billed': ''
} %}
{% set currency = var('reporting_currency') | upper | replace("'", "''") %}
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
        sum(case when corrects_month is not null then amount_usd else 0 end) as corrections_usd,
        sum(case when kind = 'adjustment' then amount_usd else 0 end) as adjustments_usd,
        sum(case when is_sampled then amount_usd else 0 end) as sampled_usd,
        sum(case when feature_id = 'idle' and line = 'unattributed' then amount_usd else 0 end) as idle_usd
    from classified
    group by posted_month, team_id

),

charged as (

    select
        rosters.posted_month,
        {% for figure in figures %}
            {{ money('coalesce(summed.' ~ figure ~ '_usd, 0)') }} as {{ figure }}_usd,
        {% endfor %}
        rosters.team_id
    from rosters
    left join summed
        on rosters.posted_month = summed.posted_month and rosters.team_id = summed.team_id

),

-- Round a month's net charges first, then split each over lines and bases. Cash is derived from the rounded transfers,
-- so that both teams show the same amount.
netted as (

    select
        *,
        {{ cents_by_largest_remainder('net_charge_usd', 'posted_month', 'team_id') }} as net_cents
    from charged

),

-- The newest rate of the reporting currency up to the end of the month.
rates as (

    select
        months.posted_month,
        max_by(fx_rates.usd_per_unit, fx_rates.rate_on) as usd_per_unit,
        max(fx_rates.rate_on) as rate_on
    from months
    inner join {{ ref('fx_rates') }} as fx_rates
        on upper(fx_rates.currency) = '{{ currency }}' and last_day(months.posted_month) >= fx_rates.rate_on
    where '{{ currency }}' != 'USD'
    group by months.posted_month

),

rated as (

    select
        netted.*,
        '{{ currency }}' as reporting_currency,
        cast(case '{{ currency }}' when 'USD' then 1 else rates.usd_per_unit end as decimal(18, 12)) as usd_per_unit,
        rates.rate_on
    from netted
    left join rates on netted.posted_month = rates.posted_month

),

-- The same in the reporting currency: what the cents in USD are in it, rounded in the same order.
converted as (

    select
        *,
        {{ cents_by_largest_remainder(
            in_reporting_currency('net_cents', 'usd_per_unit'), 'posted_month', 'team_id'
        ) }} as net_reporting_cents
    from rated

),

parts as (

    {% for figure, sign in parts.items() %}
        select
            posted_month,
            team_id,
            net_cents,
            net_reporting_cents,
            usd_per_unit,
            '{{ 'basis' if figure in ('billed', 'accrued') else 'line' }}' as kind,
            '{{ figure }}' as figure,
            {{ sign }}{{ figure }}_usd as amount_usd
        from converted
        {% if not loop.last %}
            union all
        {% endif %}
    {% endfor %}

),

cents as (

    select
        *,
        {{ cents_by_largest_remainder('amount_usd', 'posted_month, team_id, kind', 'figure', 'net_cents') }} as cents
    from parts

),

reporting_cents as (

    select
        *,
        {{ cents_by_largest_remainder(
            in_reporting_currency('cents', 'usd_per_unit'), 'posted_month, team_id, kind', 'figure',
            'net_reporting_cents'
        ) }} as reporting_cents
    from cents

),

booked as (

    select
        posted_month,
        {% for figure, sign in parts.items() %}
            {{ sign }}sum(case when figure = '{{ figure }}' then cents end) as {{ figure }}_cents,
            {{ sign }}sum(case when figure = '{{ figure }}' then reporting_cents end) as {{ figure }}_reporting_cents,
        {% endfor %}
        team_id
    from reporting_cents
    group by posted_month, team_id

),

transfer_sides as (

    select
        month,
        debtor_team_id as team_id,
        amount_booked_usd as out_usd,
        0 as in_usd
    from {{ ref('team_transfers_monthly') }}

    union all

    select
        month,
        creditor_team_id as team_id,
        0 as out_usd,
        amount_booked_usd as in_usd
    from {{ ref('team_transfers_monthly') }}

),

transferred as (

    select
        month,
        team_id,
        sum(out_usd) as out_usd,
        sum(in_usd) as in_usd
    from transfer_sides
    group by month, team_id

)

select
    converted.posted_month as month,
    converted.team_id,
    {% for figure in figures -%}
        converted.{{ figure }}_usd,
    {% endfor -%}
    {% for figure in parts -%}
        {{ as_cents('booked.' ~ figure ~ '_cents') }} as {{ figure }}_booked_usd,
    {% endfor -%}
    cast(coalesce(transferred.out_usd, 0) as decimal(38, 2)) as transfers_out_booked_usd,
    cast(coalesce(transferred.in_usd, 0) as decimal(38, 2)) as transfers_in_booked_usd,
    cast(
        {{ as_cents('converted.net_cents') }} - coalesce(transferred.out_usd, 0) + coalesce(transferred.in_usd, 0)
        as decimal(38, 2)
    ) as paid_booked_usd,
    {{ as_cents('converted.net_cents') }} as net_charge_booked_usd,
    {% for figure in parts -%}
        {{ as_cents('booked.' ~ figure ~ '_reporting_cents') }} as {{ figure }}_reporting,
    {% endfor -%}
    {{ as_cents('converted.net_reporting_cents') }} as net_charge_reporting,
    converted.reporting_currency,
    converted.usd_per_unit as reporting_usd_per_unit,
    converted.rate_on as reporting_rate_on
from converted
inner join booked on converted.posted_month = booked.posted_month and converted.team_id = booked.team_id
left join transferred on converted.posted_month = transferred.month and converted.team_id = transferred.team_id
