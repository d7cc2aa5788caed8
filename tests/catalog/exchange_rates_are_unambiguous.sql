-- A currency has one rate per day, in whatever case it is written, and it is above 0.
with rates as (

    select
        *,
        count(*) over (partition by upper(currency), rate_on) as rates_of_day
    from {{ ref('fx_rates') }}

)

select
    currency,
    rate_on,
    usd_per_unit,
    case
        when rates_of_day > 1 then 'the currency has more than one rate on this day'
        else 'usd_per_unit is more than 0'
    end as problem
from rates
where rates_of_day > 1 or usd_per_unit is null or usd_per_unit <= 0
