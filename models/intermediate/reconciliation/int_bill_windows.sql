-- one row per provider, account and window: a time that a bill covers, be it silent about it
select distinct
    provider,
    account_id,
    covers_from,
    covers_to
from {{ ref('int_charges_unioned') }}
