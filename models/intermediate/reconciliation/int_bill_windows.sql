-- one row per provider, account and file: the time that a bill covers
select
    provider,
    account_id,
    file_id,
    min(covers_from) as covers_from,
    max(covers_to) as covers_to
from {{ ref('int_charges_unioned') }}
group by provider, account_id, file_id
