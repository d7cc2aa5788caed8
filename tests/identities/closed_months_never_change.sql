-- Identity 7: of a closed month the ledger holds exactly what was closed, entry by entry.
{% set columns = 'entry_id, journal_id, posted_month, incurred_on, account, side, team_id, counterparty_team_id, '
    ~ 'feature_id, provider, account_id, model, team_path, payer_team_id, bearer_team_id, purpose, kind, basis, '
    ~ 'amount_usd, corrects_entry_id, corrects_month' %}
with closed as (

    select {{ columns }}
    from {{ source('closed', 'entries') }}

),

booked as (

    select {{ columns }}
    from {{ ref('ledger_entries') }}
    where posted_month <= (select max(closed.posted_month) from closed)

),

lost as (

    select * from closed
    except all
    select * from booked

),

added as (

    select * from booked
    except all
    select * from closed

)

select
    'closed, not in the ledger' as what,
    lost.*
from lost

union all

select
    'in the ledger, not closed' as what,
    added.*
from added
