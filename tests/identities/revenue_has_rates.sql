-- Revenue in another currency needs a row in seed fx_rates on or before the last day of its period, or of its month;
-- without it its money is missing from every margin.
select
    currency,
    source_file,
    min(source_line) as source_line,
    min(rated_on) as rate_needed_on,
    count(*) as lines
from {{ ref('stg_product__revenue') }}
where is_standing and usd_per_unit is null
group by currency, source_file
