{{ replaces_touched("month", by="month") }}
{% set configuration = ['serving_feature_id', 'provider', 'model', 'prompt_version'] %}
{% set request = ['month', 'feature_id', 'request_key'] %}
with caused_traces as (

    select
        trace_key,
        max(case when is_only_request then request_key end) as request_key
    from {{ ref('int_traces_caused') }}
    group by trace_key

),

-- A trace that one request caused is part of that request. A batch of several requests belongs to none.
production_shares as (

    select
        shares.*,
        cast(date_trunc('month', shares.started_on) as date) as month,
        case when caused_traces.trace_key is null then shares.trace_key else caused_traces.request_key end
            as request_key
    from {{ ref('int_current_feature_shares') }} as shares
    left join caused_traces on shares.trace_key = caused_traces.trace_key
    where
        shares.purpose = 'production'
        and {{ is_touched("cast(date_trunc('month', shares.started_on) as date)", 'month') }}

),

request_configurations as (

    select
        month,
        originating_feature_id as feature_id,
        request_key,
        serving_feature_id,
        provider,
        coalesce(model, 'unknown') as model,
        prompt_version,
        count(*) filter (where not is_sampled) as calls,
        max(adjusted_count) as adjusted_count,
        sum(greatest(coalesce(borne_usd, 0), 0)) as usd
    from production_shares
    group by
        month, originating_feature_id, request_key, serving_feature_id, provider, coalesce(model, 'unknown'),
        prompt_version

),

request_totals as (

    select
        *,
        sum(usd) over (partition by {{ request | join(', ') }}) as request_usd,
        sum(calls) over (partition by {{ request | join(', ') }}) as request_calls,
        -- How many requests this one stands for.
        max(adjusted_count) over (partition by {{ request | join(', ') }}) as represented
    from request_configurations

),

-- A request of several configurations is split by their cost, or by their calls if none has a price.
request_parts as (

    select
        *,
        case
            when request_key is null then 0
            when request_usd > 0 then {{ floored_part(1, 'usd * 1000000000000', 'request_usd * 1000000000000') }}
            else {{ floored_part(1, 'calls', 'request_calls') }}
        end as request_part
    from request_totals

)

select
    month,
    feature_id,
    {{ configuration | join(',\n    ') }},
    {{ money('sum(usd)') }} as production_usd,
    {{ money('sum(' ~ money('request_part * represented') ~ ')') }} as requests
from request_parts
group by month, feature_id, {{ configuration | join(', ') }}
