-- one row per day, originating feature, serving feature, bearer, provider, model, purpose and basis
with shares as (

    select * from {{ ref('int_call_shares') }}

),

-- A call with several originators counts once, in its largest share's row.
counted as (

    select
        shares.*,
        row_number() over (
            partition by shares.call_id
            order by shares.share desc, shares.originating_feature_id, shares.tenant_id, shares.user_id
        ) = 1 as is_counted
    from shares

)

select
    counted.started_on as spent_on,
    counted.originating_feature_id,
    counted.serving_feature_id,
    counted.bearer_team_id,
    counted.provider,
    counted.model,
    counted.purpose,
    counted.basis,
    count(*) filter (where counted.is_counted) as calls,
    cast(sum(calls.input_tokens) filter (where counted.is_counted) as bigint) as input_tokens,
    cast(sum(calls.output_tokens) filter (where counted.is_counted) as bigint) as output_tokens,
    {{ money('sum(counted.borne_usd)') }} as borne_usd
from counted
inner join {{ ref('attributed_calls') }} as calls on counted.call_id = calls.call_id
group by
    counted.started_on, counted.originating_feature_id, counted.serving_feature_id, counted.bearer_team_id,
    counted.provider, counted.model, counted.purpose, counted.basis

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
where feature_id in ('untraced', 'invoice_only')
group by incurred_on, feature_id, bearer_team_id, provider, model, purpose, basis
