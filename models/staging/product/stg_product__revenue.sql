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
        -- A file that states a renamed feature's revenue again may call it by either name.
        coalesce(chains.newest_feature_id, {{ unreserved('landed.feature_id', 'feature') }}) as feature_id,
        coalesce(nullif(lower(trim(landed.source)), ''), {{ revenue_source('landed.source_file') }}) as revenue_source,
        coalesce(upper(trim(landed.currency)), 'USD') as currency,
        -- An amount is in the currency beside it; without one, revenue_usd says that it is in dollars.
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

-- A file that only refunds an account's month corrects it, and does not restate it.
in_files as (

    select
        *,
        max(amount) over (partition by {{ key }}, file_id) < 0 as is_refund
    from landed

),

newest_files as (

    select
        *,
        max(case when not is_refund then landing_no end) over (partition by {{ key }}) as stated_no,
        max(landing_no) over (partition by {{ key }}, is_refund) as alike_no
    from in_files

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

-- The newest statement stands, and so do the newest refunds that came after it.
placed as (

    select
        newest_files.line_id,
        newest_files.file_id,
        newest_files.source_file,
        newest_files.source_line,
        newest_files.landing_no,
        newest_files.month,
        newest_files.account_id,
        newest_files.plan,
        newest_files.feature_id,
        newest_files.revenue_source,
        newest_files.currency,
        newest_files.amount,
        newest_files.period_start,
        newest_files.period_end,
        newest_files.is_refund,
        newest_files.rated_on,
        newest_files.landing_no = newest_files.alike_no
        and newest_files.landing_no >= coalesce(newest_files.stated_no, 0) as is_standing,
        -- Without a rate the sum is not known, which the test revenue_has_rates says.
        case newest_files.currency when 'USD' then 1 else rates.usd_per_unit end as usd_per_unit,
        greatest(newest_files.alike_no, coalesce(newest_files.stated_no, 0)) as newest_no
    from newest_files
    left join rates on newest_files.currency = rates.currency and newest_files.rated_on = rates.rated_on

)

select
    {{ all_but('placed', ['newest_no']) }},
    {{ money('placed.amount * cast(placed.usd_per_unit as decimal(18, 9))') }} as revenue_usd,
    case when not placed.is_standing then files.source_file end as replaced_by_file
from placed
left join {{ source('landed', 'files') }} as files on placed.newest_no = files.landing_no
