-- A word that no rule knows would be passed over: the file would be taken to say nothing of its scope or its cells.
select
    'covers is account or listed, date_order mdy or dmy, decimal point or comma' as problem,
    provider,
    account_id,
    file_kind,
    source_file,
    covers,
    date_order,
    decimal
from {{ ref('bill_sources') }}
where
    coalesce(covers, 'account') not in ('account', 'listed')
    or coalesce(date_order, 'mdy') not in ('mdy', 'dmy')
    or coalesce(decimal, 'point') not in ('point', 'comma')
