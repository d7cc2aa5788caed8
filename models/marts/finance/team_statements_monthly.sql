-- one row per posted month, team and line of its statement: what, how much, why, against last month
with entries as (

    select
        posted_month,
        team_id,
        corrects_month,
        feature_id as item,
        amount_usd,
        case when basis = 'accrued' then amount_usd else 0 end as accrued_usd,
        case
            when corrects_month is not null then '6 corrections'
            when kind = 'pool_credit' then '3 quality pool'
            when kind = 'share' and side = 'debit' then '5 shared'
            when feature_id in ('untraced', 'unlabelled', 'invoice_only') then '5 unattributed'
            when purpose = 'production' then '1 production'
            when purpose = 'evaluation' then '2 evaluation'
            when purpose = 'development' then '4 development'
            else '5 unattributed'
        end as section
    from {{ ref('ledger_entries') }}
    where account = 'ai_cost'

),

lines as (

    select
        posted_month,
        team_id,
        section,
        item,
        corrects_month,
        sum(amount_usd) as amount_usd,
        sum(accrued_usd) as accrued_usd
    from entries
    group by posted_month, team_id, section, item, corrects_month
    having sum(amount_usd) != 0 or sum(accrued_usd) != 0

),

nets as (

    select
        month as posted_month,
        team_id,
        sum(debit_usd - credit_usd) as net_usd
    from {{ ref('erp_journal_monthly') }}
    where account = 'ai_cost'
    group by month, team_id

),

-- What rounding moved between a team's lines and its booked net is a line of its own, in sight.
with_rounding as (

    select
        posted_month,
        team_id,
        section,
        item,
        corrects_month,
        accrued_usd,
        {{ cents_by_largest_remainder(
            'amount_usd', 'posted_month, team_id', 'section, item, corrects_month'
        ) }} as cents
    from lines

    union all

    select
        nets.posted_month,
        nets.team_id,
        '7 rounding' as section,
        'rounding' as item,
        cast(null as date) as corrects_month,
        0 as accrued_usd,
        cast(nets.net_usd * 100 - round(coalesce(sum(lines.amount_usd), 0) * 100) as bigint) as cents
    from nets
    left join lines on nets.posted_month = lines.posted_month and nets.team_id = lines.team_id
    group by nets.posted_month, nets.team_id, nets.net_usd

),

-- A line that ended last month stands once more, at nothing.
compared as (

    select
        coalesce(lines.posted_month, cast(previous.posted_month + interval 1 month as date)) as posted_month,
        coalesce(lines.team_id, previous.team_id) as team_id,
        coalesce(lines.section, previous.section) as section,
        coalesce(lines.item, previous.item) as item,
        coalesce(lines.corrects_month, previous.corrects_month) as corrects_month,
        coalesce(lines.accrued_usd, 0) as accrued_usd,
        coalesce(lines.cents, 0) as cents,
        coalesce(previous.cents, 0) as previous_cents
    from with_rounding as lines
    full outer join with_rounding as previous
        on
            lines.team_id = previous.team_id
            and lines.section = previous.section
            and lines.item = previous.item
            and lines.corrects_month is not distinct from previous.corrects_month
            and lines.posted_month = previous.posted_month + interval 1 month

)

select
    posted_month as month,
    team_id,
    section,
    item,
    cast(cents * 0.01 as decimal(38, 2)) as amount_usd,
    cast(previous_cents * 0.01 as decimal(38, 2)) as last_month_usd,
    cast((cents - previous_cents) * 0.01 as decimal(38, 2)) as change_usd,
    {{ statement_why() }} as why,
    corrects_month
from compared
where posted_month <= (select max(nets.posted_month) from nets) and (section != '7 rounding' or cents != 0)
