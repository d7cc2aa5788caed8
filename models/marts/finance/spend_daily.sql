{{ replaces_touched("spent_on", by="touched_day") }}
select
    started_on as spent_on,
    originating_feature_id,
    serving_feature_id,
    bearer_team_id,
    payable_provider as provider,
    model,
    purpose,
    case when is_sampled then 'sampled' else part_basis end as basis,
    -- Count a split call once, on the row of its largest share.
    count(*) filter (where place = 1) as calls,
    cast(sum(case when place = 1 then input_tokens end) as bigint) as input_tokens,
    cast(sum(case when place = 1 then output_tokens end) as bigint) as output_tokens,
    {{ money('sum(borne_usd)') }} as borne_usd,
    {{ money('sum(case when is_sampled then borne_usd else 0 end)') }} as sampled_usd,
    {{ money("sum(case when part_basis = 'accrued' then borne_usd else 0 end)") }} as accrued_usd
from {{ ref('int_cost_shares') }}
where {{ is_touched('started_on', 'touched_day') }}
group by
    started_on, originating_feature_id, serving_feature_id, bearer_team_id,
    payable_provider, model, purpose, case when is_sampled then 'sampled' else part_basis end

union all

-- Costs without a call: untraced usage, fees and credits.
select
    incurred_on as spent_on,
    feature_id as originating_feature_id,
    feature_id as serving_feature_id,
    bearer_team_id,
    provider,
    model,
    purpose,
    basis,
    0 as calls,
    cast(null as bigint) as input_tokens,
    cast(null as bigint) as output_tokens,
    {{ money('sum(amount_usd)') }} as borne_usd,
    {{ money('0') }} as sampled_usd,
    {{ money("sum(case when basis = 'accrued' then amount_usd else 0 end)") }} as accrued_usd
from {{ ref('int_daily_costs') }}
where
    pool in ('untraced', 'tagged', 'idle', 'invoice_only', 'shared')
    and {{ is_touched('incurred_on', 'touched_day') }}
group by incurred_on, feature_id, bearer_team_id, provider, model, purpose, basis
