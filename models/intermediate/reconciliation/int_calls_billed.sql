-- one row per call: what the bill says it cost, at which level they met, or that it still accrues
{% set of_usage = ['situation_no', 'tool_meter', 'stated_tier', 'stated_geo', 'context_tokens', 'is_summed'] %}
{% for meter in call_meters() %}
    {% do of_usage.append(meter_column(meter)) %}
{% endfor %}
with calls as (

    select
        {{ all_but('calls', ['account_id', 'call_id', 'is_answered', 'started_at', 'is_on_bill'] + of_usage) }},
        windowed.account_id,
        windowed.is_in_bill,
        windowed.is_provisional and totalled.call_key is null as is_provisional
    from {{ ref('int_calls_priced') }} as calls
    inner join {{ ref('int_calls_windowed') }} as windowed on calls.call_key = windowed.call_key
    left join {{ ref('int_calls_totalled') }} as totalled on calls.call_key = totalled.call_key
    where {{ is_touched('calls.started_on', 'touched_day') }}

),

by_call as (

    select
        call_key,
        sum(case when not is_fee then billed_usd end) as billed_usd,
        sum(case when is_fee then billed_usd end) as fee_usd,
        -- The coarsest level at which any of its meters met.
        min(case when not is_fee then match_level end) as match_level,
        bool_or(is_parted) as is_parted,
        max(case when part_no = 1 then payer_team_id end) as payer_team_id,
        max(case when part_no = 1 then cutoff_month end) as cutoff_month,
        max(case when part_no = 1 then cutoff_usd end) as cutoff_usd
    from {{ ref('int_call_parts_billed') }}
    group by call_key

),

settled as (

    select
        {{ all_but('calls', ['is_in_bill']) }},
        by_call.billed_usd as met_usd,
        by_call.fee_usd,
        by_call.match_level as met_level,
        coalesce(by_call.is_parted, false) as is_parted,
        by_call.payer_team_id,
        by_call.cutoff_month,
        by_call.cutoff_usd,
        -- What a bucket that may still grow does not know accrues.
        calls.is_in_bill and not (calls.is_provisional and by_call.match_level is null) as is_in_bill
    from calls
    left join by_call on calls.call_key = by_call.call_key

)

select
    {{ all_but('', ['met_usd', 'met_level']) }},
    -- The bill is the truth also where it is silent: over-traced calls cost nothing. A gateway's fee has its own bill.
    case
        when is_in_bill then {{ money('coalesce(met_usd, 0) + coalesce(fee_usd, 0)') }}
        when fee_usd is not null then {{ money('fee_usd') }}
    end as billed_usd,
    case when not is_in_bill then priced_usd end as accrued_usd,
    coalesce(met_level, 'none') as match_level,
    case
        when is_in_bill then 'billed'
        when fee_usd is not null then 'mixed'
        when priced_usd is not null then 'accrued'
        else 'unpriced'
    end as basis
from settled
