-- one row per month, feature and configuration that its production ran on: money, and the requests that it bought
{{ replaces_touched("month", by="month") }}
{% set configuration = ['serving_feature_id', 'provider', 'model', 'prompt_version'] %}
{% set request = ['month', 'feature_id', 'trace_key'] %}
with calls as (

    select
        cast(date_trunc('month', started_on) as date) as month,
        originating_feature_id as feature_id,
        trace_key,
        serving_feature_id,
        provider,
        coalesce(model, 'unknown') as model,
        prompt_version,
        count(*) as calls,
        sum(greatest(coalesce(borne_usd, 0), 0)) as usd,
        max(origin_share) as origin_share
    from {{ ref('int_shares_continued') }}
    where purpose = 'production' and {{ is_touched("cast(date_trunc('month', started_on) as date)", 'month') }}
    group by
        cast(date_trunc('month', started_on) as date), originating_feature_id, trace_key, serving_feature_id, provider,
        coalesce(model, 'unknown'), prompt_version

),

-- A batch that many requests caused counts with the feature's share of it.
requests as (

    select
        *,
        sum(usd) over (partition by {{ request | join(', ') }}) as request_usd,
        sum(calls) over (partition by {{ request | join(', ') }}) as request_calls,
        max(origin_share) over (partition by {{ request | join(', ') }}) as request_share
    from calls

),

-- A request of several configurations is each one's by its money; without prices by its calls.
parts as (

    select
        *,
        case
            when request_usd > 0
                then {{ floored_part('request_share', 'usd * 1000000000000', 'request_usd * 1000000000000') }}
            else {{ floored_part('request_share', 'calls', 'request_calls') }}
        end as request_part
    from requests

)

select
    month,
    feature_id,
    {{ configuration | join(',\n    ') }},
    {{ money('sum(usd)') }} as production_usd,
    {{ money('sum(request_part)') }} as requests
from parts
group by month, feature_id, {{ configuration | join(', ') }}
