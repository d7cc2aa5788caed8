-- one row per charge and day that stands: settled, and the team that pays for it
select
    charges.*,
    coalesce(keys.owner_team_id, 'unattributed') as payer_team_id
from {{ ref('int_charges_settled') }} as charges
left join {{ ref('int_keys_owned') }} as keys
    on
        charges.provider = keys.provider
        and charges.account_id is not distinct from keys.account_id
        and charges.api_key is not distinct from keys.api_key
        and charges.charged_on is not distinct from keys.used_on
