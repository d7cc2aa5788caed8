-- Rows that no model applies yet would change nothing, silently: remove them until their release.
select
    'chargeback_policies' as seed,
    scope || ' ' || coalesce(scope_id, '') || ': ' || policy as row_text,
    'only origin_pays is applied' as what_to_do
from {{ ref('chargeback_policies') }}
where policy != 'origin_pays'

union all

select
    'sharing_rules' as seed,
    pool || ': ' || method as row_text,
    'only none is applied' as what_to_do
from {{ ref('sharing_rules') }}
where method != 'none'
