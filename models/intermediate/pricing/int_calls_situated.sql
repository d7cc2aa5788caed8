-- one row per call: what it used, and all that the price of a unit depends on
{{ config(materialized="view") }}
with calls as (

    select
        *,
        input_tokens + cache_read_tokens + cache_write_5m_tokens + cache_write_1h_tokens + audio_input_tokens
        + image_input_tokens as context_tokens
    from {{ ref('int_calls_provided') }}

),

-- Few models have a price that depends on the prompt's length or on the hour.
conditions as (

    select
        provider,
        model,
        min(case when context_over_tokens > 0 then context_over_tokens end) as least_context_over_tokens,
        max(case when daily_from is not null then 1 else 0 end) = 1 as is_hourly,
        min(coalesce(valid_from, date '0001-01-01')) as priced_from
    from {{ ref('int_prices_known') }}
    group by provider, model

),

-- Few providers have prices that depend on where they compute.
geos as (

    select distinct
        provider,
        inference_geo
    from {{ ref('price_multipliers') }}

)

select
    {{ all_but('calls', ['service_tier', 'inference_geo', 'started_on']) }},
    calls.started_on,
    models.model,
    case
        when lower(calls.service_tier) in ('batch', 'flex', 'priority', 'fast') then lower(calls.service_tier)
        else 'standard'
    end as service_tier,
    geos.inference_geo,
    -- Bills are matched with the tier and region that the call itself states, not with those it is priced as.
    case
        when lower(calls.service_tier) in ('batch', 'flex', 'priority', 'fast', 'standard')
            then lower(calls.service_tier)
    end as stated_tier,
    case
        when calls.provider = 'aws' and {{ has_pattern('calls.model_key', '(^|/)global[.]') }} then 'global'
        when calls.provider = 'aws' and {{ has_pattern('calls.model_key', '(^|/)(us|eu|apac|jp|au|ca|us-gov)[.]') }}
            then 'regional'
        when calls.provider != 'aws' then replace(lower(calls.inference_geo), 'not_available', 'global')
    end as stated_geo,
    case when calls.started_at is not null then calls.started_on end as priced_on,
    case
        when calls.context_tokens > conditions.least_context_over_tokens then calls.context_tokens else 0
    end as long_context_tokens,
    case when conditions.is_hourly then {{ minute_of_day('calls.started_at') }} end as priced_time,
    coalesce(conditions.priced_from <= calls.started_on, false) as is_in_book
from calls
left join {{ ref('int_models_resolved') }} as models
    on calls.provider = models.provider and calls.model_key = models.model_name
left join conditions
    on calls.provider = conditions.provider and models.model = conditions.model
left join geos
    on calls.provider = geos.provider and calls.inference_geo = geos.inference_geo
