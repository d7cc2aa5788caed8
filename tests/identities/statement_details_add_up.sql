-- Usage explains all of production, evaluation and development in open months; lines equal the statement's to the cent.
with details as (

    select
        month,
        team_id,
        section,
        item,
        corrects_month,
        sum(amount_usd) as amount_usd
    from {{ ref('team_statement_details_monthly') }}
    group by month, team_id, section, item, corrects_month

),

detailed_teams as (

    select
        month,
        team_id,
        sum(amount_usd) as amount_usd
    from details
    group by month, team_id

)

select
    charged.month,
    charged.team_id,
    'net charge' as item,
    charged.net_charge_usd as amount_usd,
    detailed.amount_usd as details_usd
from {{ ref('team_chargeback_monthly') }} as charged
left join detailed_teams as detailed on charged.month = detailed.month and charged.team_id = detailed.team_id
where charged.net_charge_usd != coalesce(detailed.amount_usd, 0)

union all

select
    lines.month,
    lines.team_id,
    lines.item,
    lines.amount_usd,
    details.amount_usd as details_usd
from {{ ref('team_statements_monthly') }} as lines
left join details
    on
        lines.month = details.month
        and lines.team_id = details.team_id
        and lines.section = details.section
        and lines.item = details.item
        and lines.corrects_month is not distinct from details.corrects_month
-- A correction has up to six figures of the chargeback in it, each of which is rounded.
where
    abs(lines.amount_usd - coalesce(details.amount_usd, 0))
    >= 0.01 * case when lines.section = '6 corrections' then 6 else 2 end

union all

-- In open months calls explain all of production, evaluation and development.
select
    month,
    team_id,
    item,
    0 as amount_usd,
    amount_usd as details_usd
from {{ ref('team_statement_details_monthly') }}
where
    section in ('1 production', '2 evaluation', '4 development')
    and meter is null
    and month > coalesce(
        (select max(closed.posted_month) from {{ ref('stg_closed__entries') }} as closed), date '1970-01-01'
    )
