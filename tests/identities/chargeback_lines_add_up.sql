-- Each team's month, three ways: by line, by cash, by basis.
select *
from {{ ref('team_chargeback_monthly') }}
where
    net_charge_usd
    != production_usd + evaluation_usd - eval_pool_credit_usd + development_usd + shared_usd + unattributed_usd
    or net_charge_usd != paid_usd + transfers_out_usd - transfers_in_usd
    or net_charge_usd != billed_usd + accrued_usd
