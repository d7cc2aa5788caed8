-- one row per month, provider, account, kind of file and treatment: every line that was landed, in scope or not
with charges as (

    select * from {{ ref('int_charges_sorted') }}

)

select
    cast(date_trunc('month', charged_on) as date) as month,
    provider,
    account_id,
    file_kind,
    treatment,
    -- A tax that is in scope in part is one line.
    cast(count(*) filter (where not is_rest) as bigint) as lines,
    -- As billed, and as the ledger bears it over the time that it covers.
    {{ money('sum(billed_usd)') }} as billed_usd,
    {{ money('sum(cost_usd)') }} as cost_usd,
    cast(count(*) filter (where billed_usd is null) as bigint) as lines_without_rate
from charges
group by cast(date_trunc('month', charged_on) as date), provider, account_id, file_kind, treatment
