with calls as (

    select
        {{ all_but('calls', ['account_id', 'is_on_bill']) }},
        coverage.account_id,
        coverage.is_in_bill,
        coverage.is_provisional
    from {{ ref('int_call_prices') }} as calls
    inner join {{ ref('int_call_billing_coverage') }} as coverage on calls.call_key = coverage.call_key
    where {{ is_touched('calls.started_on', 'touched_day') }}

),

billed_parts as (

    select
        call_key,
        sum(case when not is_fee then billed_usd end) as billed_usd,
        sum(case when is_fee then billed_usd end) as fee_usd,
        -- The coarsest level at which any of its meters matched.
        min(case when not is_fee then match_level end) as match_level,
        bool_or(is_parted) as is_parted,
        max(case when part_no = 1 then payer_team_id end) as payer_team_id,
        max(case when part_no = 1 then cutoff_month end) as cutoff_month,
        max(case when part_no = 1 then cutoff_usd end) as cutoff_usd
    from {{ ref('int_call_cost_parts') }}
    group by call_key

),

billed_calls as (

    select
        {{ all_but('calls', ['is_in_bill']) }},
        billed_parts.billed_usd as matched_usd,
        billed_parts.fee_usd,
        billed_parts.match_level as matched_level,
        coalesce(billed_parts.is_parted, false) as is_parted,
        billed_parts.payer_team_id,
        billed_parts.cutoff_month,
        billed_parts.cutoff_usd,
        -- Calls that the latest, provisional bucket does not list accrue.
        calls.is_in_bill and not (calls.is_provisional and billed_parts.match_level is null) as is_in_bill
    from calls
    left join billed_parts on calls.call_key = billed_parts.call_key

)

select
    {{ all_but('', ['matched_usd', 'matched_level']) }},
    -- A bill is authoritative for what it covers, so calls that it does not list cost nothing. A gateway's fee is on
    -- another bill than the call.
    case
        when is_in_bill then {{ money('coalesce(matched_usd, 0) + coalesce(fee_usd, 0)') }}
        when fee_usd is not null then {{ money('fee_usd') }}
    end as billed_usd,
    case when not is_in_bill then priced_usd end as accrued_usd,
    coalesce(matched_level, 'none') as match_level,
    case
        when is_in_bill then 'billed'
        when fee_usd is not null then 'mixed'
        when priced_usd is not null then 'accrued'
        else 'unpriced'
    end as basis
from billed_calls
