with sections (line, section) as (

    values
    ('production', '1 production'), ('evaluation', '2 evaluation'), ('pool_credit', '3 quality pool'),
    ('development', '4 development'), ('shared', '5 shared'), ('unattributed', '5 unattributed')

),

entries as (

    select
        *,
        {{ chargeback_line() }} as line,
        case when basis = 'accrued' then amount_usd else 0 end as accrued_usd
    from {{ ref('ledger_entries') }}
    where account = 'ai_cost'

),

sectioned_entries as (

    select
        entries.*,
        case when entries.corrects_month is not null then '6 corrections' else sections.section end as section
    from entries
    inner join sections on entries.line = sections.line

),

statement_lines as (

    select
        posted_month,
        team_id,
        section,
        feature_id as item,
        corrects_month,
        sum(amount_usd) as amount_usd,
        sum(accrued_usd) as accrued_usd
    from sectioned_entries
    group by posted_month, team_id, section, feature_id, corrects_month
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

-- The difference between a team's rounded lines and its booked net is a visible line of its own.
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
    from statement_lines

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
    left join statement_lines as lines on nets.posted_month = lines.posted_month and nets.team_id = lines.team_id
    group by nets.posted_month, nets.team_id, nets.net_usd

),

-- A line that ended last month is shown once more, at zero.
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
    case
        when section = '1 production' then 'calls that the feature caused in production'
        when section = '2 evaluation' then 'evals of the feature'
        when section = '3 quality pool' then 'what the quality pool pays of evals'
        when section = '4 development' then 'calls from development and staging'
        when section = '5 shared' then 'your part of it by a sharing rule'
        when section = '6 corrections'
            then 'what came after ' || substr(cast(corrects_month as string), 1, 7) || ' was closed'
        when section = '7 rounding' then 'cents between these lines and the booked net'
        when item = 'untraced' then 'billed on your keys, seen in no span'
        when item = 'unlabelled' then 'calls on your keys that no feature label explains'
        when item = 'invoice_only' then 'fees and credits of your accounts'
        else 'calls whose purpose nobody stated'
    end
    || case
        when section = '6 corrections' and accrued_usd < 0
            then ': the bill for ' || cast(cast(-accrued_usd as decimal(38, 2)) as string) || ' that had accrued'
        when section = '6 corrections' and accrued_usd > 0 then ': calls that are not yet billed'
        when section = '6 corrections' then ': bills, spans or owners known later'
        when accrued_usd != 0 then ' (not yet billed in part or whole)'
        else ''
    end as why,
    corrects_month
from compared
where posted_month <= (select max(nets.posted_month) from nets) and (section != '7 rounding' or cents != 0)
