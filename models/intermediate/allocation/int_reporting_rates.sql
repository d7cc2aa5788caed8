{% set currency = var('reporting_currency') | upper | replace("'", "''") %}
with months as (

    select distinct posted_month from {{ ref('ledger_entries') }}

),

-- The newest rate up to the end of the month.
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

)

select
    months.posted_month as month,
    '{{ currency }}' as currency,
    cast(case '{{ currency }}' when 'USD' then 1 else rates.usd_per_unit end as decimal(18, 12)) as usd_per_unit,
    rates.rate_on
from months
left join rates on months.posted_month = rates.posted_month
