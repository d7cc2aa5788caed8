{% set pct = "replace(cast(cast({} * 100 as decimal(38, 2)) as string), '.00', '') || ' %'" %}
{% set usd = "cast(cast({} as decimal(38, 2)) as string) || ' USD'" %}
with entries as (

    select
        *,
        {{ chargeback_line() }} as line,
        {{ statement_section() }} as section,
        case when basis = 'accrued' then amount_usd else 0 end as accrued_usd
    from {{ ref('ledger_entries') }}
    where account = 'ai_cost'

),

statement_lines as (

    select
        posted_month,
        team_id,
        line,
        section,
        feature_id as item,
        corrects_month,
        sum(amount_usd) as amount_usd,
        sum(accrued_usd) as accrued_usd
    from entries
    group by posted_month, team_id, line, section, feature_id, corrects_month
    having sum(amount_usd) != 0 or sum(accrued_usd) != 0

),

-- Each line's cents are those of the team's chargeback.
booked_lines as (

    {% for line in ['production', 'evaluation', 'development', 'shared', 'unattributed'] %}
    select
        month as posted_month,
        team_id,
        '{{ line }}' as line,
        {{ line }}_booked_usd * 100 as line_cents
    from {{ ref('team_chargeback_monthly') }}

    union all

    {% endfor %}

    select
        month as posted_month,
        team_id,
        'pool_credit' as line,
        -eval_pool_credit_booked_usd * 100 as line_cents
    from {{ ref('team_chargeback_monthly') }}

),

in_cents as (

    select
        lines.*,
        {{ cents_by_largest_remainder(
            'lines.amount_usd', 'lines.posted_month, lines.team_id, lines.line',
            'lines.section, lines.item, lines.corrects_month', 'booked_lines.line_cents'
        ) }} as cents
    from statement_lines as lines
    inner join booked_lines
        on
            lines.posted_month = booked_lines.posted_month
            and lines.team_id = booked_lines.team_id
            and lines.line = booked_lines.line

),

stated as (

    select
        posted_month,
        team_id,
        section,
        item,
        corrects_month,
        sum(accrued_usd) as accrued_usd,
        sum(cents) as cents
    from in_cents
    group by posted_month, team_id, section, item, corrects_month

),

-- Each adjustment is on the statements of both teams.
agreed as (

    select
        month,
        from_team as team_id,
        'with ' || to_team || ': ' || reason || ' (-' || {{ usd.format('amount_usd') }} || ')' as agreement
    from {{ ref('adjustments') }}

    union all

    select
        month,
        to_team as team_id,
        'with ' || from_team || ': ' || reason || ' (' || {{ usd.format('amount_usd') }} || ')' as agreement
    from {{ ref('adjustments') }}

),

agreements as (

    select
        month,
        team_id,
        {{ joined_texts('agreement', '; ', 'agreement') }} as agreements
    from agreed
    group by month, team_id

),

-- A feature's name is the newest that the catalog has.
features as (

    {% call first_rows(partition_by="feature_id", order_by="valid_from desc nulls last, valid_to desc nulls first") %}
        select
            feature_id,
            name,
            valid_from,
            valid_to
        from {{ ref('feature_catalog') }}
        where name is not null
    {% endcall %}

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
    from stated as lines
    full outer join stated as previous
        on
            lines.team_id = previous.team_id
            and lines.section = previous.section
            and lines.item = previous.item
            and lines.corrects_month is not distinct from previous.corrects_month
            and lines.posted_month = previous.posted_month + interval 1 month

),

pool_texts as (

    select
        month,
        feature_id,
        is_by_default,
        {{ pct.format('share') }} as share,
        {{ usd.format('evaluation_usd') }} as evaluation,
        {{ usd.format('cap_usd') }} as cap,
        {{ pct.format('cap_pct') }} || ' of its production cost' as cap_of_production,
        'never below ' || {{ usd.format('cap_floor_usd') }} as cap_floor
    from {{ ref('int_eval_funding') }}

),

-- How the quality pool came to its part of a month's evals.
pool_rules as (

    select
        month,
        feature_id,
        case when is_by_default then 'by default (no eval_funding row) ' else '' end
        || share || ' of the feature''s evals of the month (' || evaluation || ')'
        || case
            when cap is null then ', without a cap'
            when cap_of_production is null then ', at most ' || cap
            else ', at most ' || cap || ': ' || cap_of_production || coalesce(', ' || cap_floor, '')
        end as rule
    from pool_texts

)

select
    compared.posted_month as month,
    compared.team_id,
    compared.section,
    compared.item,
    {{ as_cents('compared.cents') }} as amount_usd,
    {{ as_cents('compared.previous_cents') }} as last_month_usd,
    {{ as_cents('compared.cents - compared.previous_cents') }} as change_usd,
    case
        when compared.section = '1 production' then 'calls that the feature caused in production'
        when compared.section = '2 evaluation' then 'evals of the feature'
        when compared.section = '3 quality pool' and compared.team_id = 'quality_pool'
            then 'what the pool pays of evals'
        when compared.section = '3 quality pool'
            then
                'what the quality pool pays of evals'
                || case
                    when pool_rules.rule is not null then ': ' || pool_rules.rule
                    when {{ is_kept('compared.posted_month') }} then ''
                    else ' (the month is retired; its statement as closed has the rule)'
                end
        when compared.section = '4 development' then 'calls from development and staging'
        when compared.section = '5 shared' then 'your part of it by a sharing rule'
        when compared.section = '7 adjustments'
            then
                'agreed '
                || coalesce('for ' || substr(cast(compared.corrects_month as string), 1, 7) || ' in all: ', '')
                || coalesce(agreements.agreements, 'between teams')
        when compared.section = '6 corrections'
            then 'what came after ' || substr(cast(compared.corrects_month as string), 1, 7) || ' was closed'
        when compared.item = 'untraced' then 'billed on your keys, seen in no span'
        when compared.item = 'unlabelled' then 'calls on your keys that no feature label explains'
        when compared.item = 'idle' then 'capacity that you pay and nobody used'
        when compared.item = 'invoice_only' then 'fees and credits of your accounts'
        else 'calls whose purpose nobody stated'
    end
    || case
        when compared.section = '6 corrections' and compared.accrued_usd < 0
            then
                ': the bill for ' || cast(cast(-compared.accrued_usd as decimal(38, 2)) as string)
                || ' that had accrued'
        when compared.section = '6 corrections' and compared.accrued_usd > 0 then ': calls that are not yet billed'
        when compared.section = '6 corrections' then ': bills, spans or owners known later'
        when compared.accrued_usd != 0 then ' (not yet billed in part or whole)'
        else ''
    end as why,
    compared.corrects_month,
    coalesce(features.name, compared.item) as item_name,
    {{ as_cents(cents_by_largest_remainder(
        in_reporting_currency('compared.cents', 'charged.reporting_usd_per_unit'),
        'compared.posted_month, compared.team_id', 'compared.section, compared.item, compared.corrects_month',
        'charged.net_charge_reporting * 100'
    )) }} as amount_reporting,
    charged.reporting_currency,
    charged.reporting_usd_per_unit,
    charged.reporting_rate_on
from compared
left join features on compared.item = features.feature_id
left join pool_rules on compared.posted_month = pool_rules.month and compared.item = pool_rules.feature_id
left join {{ ref('team_chargeback_monthly') }} as charged
    on compared.posted_month = charged.month and compared.team_id = charged.team_id
left join agreements
    on
        compared.team_id = agreements.team_id
        and coalesce(compared.corrects_month, compared.posted_month) = agreements.month
where compared.posted_month <= (select max(chargeback.month) from {{ ref('team_chargeback_monthly') }} as chargeback)
