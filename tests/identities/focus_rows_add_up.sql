-- noqa: disable=CP02
-- The FOCUS rows of an origin charge add up to it; those of a posted month to what providers billed, and to what the
-- ledger bears. By team they are the ledger's to a millionth of a dollar: the ledger cuts parts off once per call,
-- FOCUS once per charge.
with focus as (

    select
        x_OriginChargeId as origin_charge_id,
        x_PostedMonth as posted_month,
        x_TeamId as team_id,
        x_Basis as basis,
        x_AllocatedRatio as share,
        cast(ChargePeriodStart as date) as charged_on,
        BilledCost as billed_usd,
        EffectiveCost as effective_usd
    from {{ ref('focus_cost_and_usage') }}

),

compared as (

    select
        'charge' as what,
        origin_charge_id as of_what,
        sum(billed_usd) as focus_billed_usd,
        sum(effective_usd) as focus_effective_usd,
        0 as allowed_usd
    from focus
    where basis = 'billed' and share is not null and {{ is_touched('charged_on', 'touched_day') }}
    group by origin_charge_id

    union all

    select
        'month' as what,
        cast(posted_month as string) as of_what,
        sum(billed_usd) as focus_billed_usd,
        sum(effective_usd) as focus_effective_usd,
        0 as allowed_usd
    from focus
    group by posted_month

    union all

    select
        'team' as what,
        cast(posted_month as string) || ' ' || team_id as of_what,
        null as focus_billed_usd,
        sum(effective_usd) as focus_effective_usd,
        0.000001 as allowed_usd
    from focus
    group by posted_month, team_id

),

expected as (

    select
        'charge' as what,
        origin_charge_id as of_what,
        sum(billed_usd + prepaid_usd) as billed_usd,
        sum(billed_usd) as effective_usd
    from {{ ref('int_itemised_charges') }}
    where {{ is_touched('charged_on', 'touched_day') }}
    group by origin_charge_id

    union all

    select
        'month' as what,
        cast(posted_month as string) as of_what,
        sum(case when account = 'provider_payable' then -amount_usd else 0 end) as billed_usd,
        sum(case when account = 'ai_cost' then amount_usd else 0 end) as effective_usd
    from {{ ref('ledger_entries') }}
    group by posted_month

    union all

    select
        'team' as what,
        cast(month as string) || ' ' || team_id as of_what,
        null as billed_usd,
        net_charge_usd as effective_usd
    from {{ ref('team_chargeback_monthly') }}

)

select
    compared.*,
    expected.what as expected_what,
    expected.of_what as expected_of_what,
    expected.billed_usd,
    expected.effective_usd
from compared
full outer join expected on compared.what = expected.what and compared.of_what = expected.of_what
where
    coalesce(compared.focus_billed_usd, 0) != coalesce(expected.billed_usd, 0)
    or abs(coalesce(compared.focus_effective_usd, 0) - coalesce(expected.effective_usd, 0))
    > coalesce(compared.allowed_usd, 0)
