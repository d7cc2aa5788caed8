-- one row per day, originating feature, serving feature, bearer, provider, model, purpose and basis
{{ replaces_touched("spent_on", by="touched_day") }}
with shares as (

    select
        shares.*,
        -- A call with several originators counts once, in its largest share's row.
        case when shares.place = 1 then calls.input_tokens end as input_tokens,
        case when shares.place = 1 then calls.output_tokens end as output_tokens
    from {{ ref('int_shares_borne') }} as shares
    inner join {{ ref('attributed_calls') }} as calls on shares.call_id = calls.call_id
    where {{ is_touched('shares.started_on', 'touched_day') }} and {{ is_touched('calls.started_on', 'touched_day') }}

)

select
    shares.started_on as spent_on,
    shares.originating_feature_id,
    shares.serving_feature_id,
    shares.bearer_team_id,
    shares.provider,
    shares.model,
    shares.purpose,
    shares.basis,
    count(*) filter (where shares.place = 1) as calls,
    cast(sum(shares.input_tokens) as bigint) as input_tokens,
    cast(sum(shares.output_tokens) as bigint) as output_tokens,
    {{ money('sum(shares.borne_usd)') }} as borne_usd
from shares
group by
    shares.started_on, shares.originating_feature_id, shares.serving_feature_id, shares.bearer_team_id,
    shares.provider, shares.model, shares.purpose, shares.basis

union all

-- Billed, but no span was seen: a row of its own per day, payer, provider and model.
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
    {{ money('sum(amount_usd)') }} as borne_usd
from {{ ref('int_costs_journalled') }}
where feature_id in ('untraced', 'invoice_only') and {{ is_touched('incurred_on', 'touched_day') }}
group by incurred_on, feature_id, bearer_team_id, provider, model, purpose, basis
