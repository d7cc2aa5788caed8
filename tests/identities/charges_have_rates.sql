-- A bill or an invoice in another currency needs a row in seed fx_rates on or before the charge's last day or the
-- invoice's; without it its money is missing from the ledger.
select
    currency,
    source_file,
    min(source_line) as source_line,
    min(ended_on) as rate_needed_on,
    count(*) as lines
from {{ ref('int_classified_charges') }}
where usd_per_unit is null and treatment not in ('superseded', 'gateway', 'out_of_scope')
group by currency, source_file

union all

select
    currency,
    'invoice ' || invoice_id as source_file,
    null as source_line,
    min(period_end) as rate_needed_on,
    count(*) as lines
from {{ ref('invoice_tie_out_monthly') }}
where invoice_usd is null
group by currency, invoice_id
