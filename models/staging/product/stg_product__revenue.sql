{{ config(materialized="table") }}
{% set key = ['revenue_source', 'account_id', 'lower(plan)', 'feature_id', 'month'] | join(', ') %}
with landed as (

    select
        landed.file_id || ':' || cast(landed.source_line as string) as line_id,
        landed.file_id,
        landed.source_file,
        landed.source_line,
        landed.month,
        landed.account_id,
        landed.plan,
        -- A file that restates a renamed feature's revenue may use either id.
        coalesce(chains.newest_feature_id, {{ unreserved('landed.feature_id', 'feature') }}) as feature_id,
        coalesce(nullif(lower(trim(landed.source)), ''), {{ revenue_source('landed.source_file') }}) as revenue_source,
        coalesce(upper(trim(landed.currency)), 'USD') as currency,
        -- The amount is in the line's currency. Without a currency, revenue_usd is the amount in dollars.
        {{ money('case
            when landed.currency is null then coalesce(landed.revenue_usd, landed.amount)
            else coalesce(landed.amount, landed.revenue_usd)
        end') }} as amount,
        landed.period_start,
        landed.period_end,
        coalesce(cast(landed.period_end - interval 1 day as date), last_day(landed.month)) as rated_on,
        files.landing_no
    from {{ source('landed', 'revenue') }} as landed
    inner join {{ source('landed', 'files') }} as files on landed.file_id = files.file_id
    left join {{ ref('stg_catalog__feature_chains') }} as chains on landed.feature_id = chains.feature_id

),

-- A file with nothing but refunds for an account's month corrects the month and does not restate it.
statements_and_refunds as (

    select
        *,
        max(amount) over (partition by {{ key }}, file_id) < 0 as is_refund
    from landed

),

newest_landings as (

    select
        *,
        max(case when not is_refund then landing_no end) over (partition by {{ key }}) as newest_statement_no,
        max(landing_no) over (partition by {{ key }}, is_refund) as newest_alike_no
    from statements_and_refunds

),

rates as (

    select
        stated.currency,
        stated.rated_on,
        max_by(fx_rates.usd_per_unit, fx_rates.rate_on) as usd_per_unit
    from (select distinct
        currency,
        rated_on
    from landed) as stated
    inner join {{ ref('fx_rates') }} as fx_rates
        on stated.currency = upper(fx_rates.currency) and stated.rated_on >= fx_rates.rate_on
    group by stated.currency, stated.rated_on

),

-- The newest statement is current, and so are the newest refunds that landed after it.
rated_lines as (

    select
        newest_landings.line_id,
        newest_landings.file_id,
        newest_landings.source_file,
        newest_landings.source_line,
        newest_landings.landing_no,
        newest_landings.month,
        newest_landings.account_id,
        newest_landings.plan,
        newest_landings.feature_id,
        newest_landings.revenue_source,
        newest_landings.currency,
        newest_landings.amount,
        newest_landings.period_start,
        newest_landings.period_end,
        newest_landings.is_refund,
        newest_landings.rated_on,
        newest_landings.landing_no = newest_landings.newest_alike_no
        and newest_landings.landing_no >= coalesce(newest_landings.newest_statement_no, 0) as is_standing,
        -- Without a rate the amount in dollars is unknown, which test revenue_has_rates reports.
        case newest_landings.currency when 'USD' then 1 else rates.usd_per_unit end as usd_per_unit,
        greatest(newest_landings.newest_alike_no, coalesce(newest_landings.newest_statement_no, 0)) as newest_no
    from newest_landings
    left join rates on newest_landings.currency = rates.currency and newest_landings.rated_on = rates.rated_on

)

select
    {{ all_but('rated_lines', ['newest_no']) }},
    {{ money('rated_lines.amount * cast(rated_lines.usd_per_unit as decimal(18, 9))') }} as revenue_usd,
    case when not rated_lines.is_standing then files.source_file end as replaced_by_file
from rated_lines
left join {{ source('landed', 'files') }} as files on rated_lines.newest_no = files.landing_no
