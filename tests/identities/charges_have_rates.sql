-- A bill in another currency needs a row in seed fx_rates on or before the charge's last day; without it its money is
-- missing from the ledger.
select
    currency,
    source_file,
    min(source_line) as source_line,
    min(ended_on) as rate_needed_on,
    count(*) as lines
from {{ ref('int_charges_sorted') }}
where usd_per_unit is null and treatment not in ('superseded', 'gateway', 'out_of_scope')
group by currency, source_file
