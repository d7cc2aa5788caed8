{{ replaces_touched("month", by="month", rebuilt_at_news_of="product") }}
{% set cohort = ['month', 'feature_id', 'plan', 'segment'] %}
{% set feature = ['month', 'feature_id'] %}
{% set purposes = {
    'production_usd': 'production', 'evaluation_usd': 'evaluation', 'development_usd': 'development',
    'unattributed_usd': 'unknown'
} %}
with requests as (

    select * from {{ ref('int_feature_requests') }}
    where {{ is_touched('month', 'month', 'product') }}

),

lines as (

    select
        {{ cohort | join(',\n        ') }},
        purpose,
        basis,
        amount_usd,
        case when is_sampled then amount_usd else 0 end as sampled_usd,
        0 as revenue_usd,
        case when purpose = 'production' then trace_key end as trace_key,
        adjusted_count,
        user_id as traced_user_id,
        0 as stated_answers,
        null as telemetry_user_id
    from {{ ref('int_feature_costs') }}

    union all

    select
        {{ cohort | join(',\n        ') }},
        null as purpose,
        null as basis,
        0 as amount_usd,
        0 as sampled_usd,
        0 as revenue_usd,
        null as trace_key,
        null as adjusted_count,
        null as traced_user_id,
        answers as stated_answers,
        user_id as telemetry_user_id
    from {{ ref('int_feature_usage') }}
    where told_by = 'telemetry' and {{ is_touched('month', 'month', 'product') }}

    union all

    select
        {{ cohort | join(',\n        ') }},
        null as purpose,
        null as basis,
        0 as amount_usd,
        0 as sampled_usd,
        revenue_usd,
        null as trace_key,
        null as adjusted_count,
        null as traced_user_id,
        0 as stated_answers,
        null as telemetry_user_id
    from {{ ref('int_feature_revenue') }}
    where {{ is_touched('month', 'month', 'product') }}

),

-- Users and requests are counted per feature as well, because one of two cohorts is still one of the feature.
{% for relation, grain in [('cohort', cohort), ('feature', feature)] %}
    {{ relation }}_sums as (

        select
            {{ grain | join(',\n            ') }},
            sum(revenue_usd) as revenue_usd,
            {% for column, purpose in purposes.items() %}
                sum(case when purpose = '{{ purpose }}' then amount_usd else 0 end) as {{ column }},
            {% endfor %}
            sum(sampled_usd) as sampled_usd,
            {{ common_basis() }} as basis,
            sum(stated_answers) as stated_answers,
            count(distinct telemetry_user_id) as telemetry_users,
            count(distinct traced_user_id) as traced_users
        from lines
        group by {{ grain | join(', ') }}

    ),

    {{ relation }}_requests as (

        select
            {{ grain | join(',\n            ') }},
            {{ whole_count('adjusted_count') }} as requests,
            {{ whole_count('case when answers is not null then adjusted_count else 0 end') }} as answered_requests,
            {{ whole_count('adjusted_count * answers') }} as known_answers
        from (
            select distinct {{ (grain + ['request_key', 'answers', 'adjusted_count']) | join(', ') }} from requests
        ) as requests_once
        group by {{ grain | join(', ') }}

    ),

    {{ relation }}_traces as (

        select
            {{ grain | join(',\n            ') }},
            {{ whole_count('adjusted_count') }} as traces
        from (
            select
                {{ (grain + ['trace_key']) | join(',\n                ') }},
                max(adjusted_count) as adjusted_count
            from lines
            where trace_key is not null
            group by {{ (grain + ['trace_key']) | join(', ') }}
        ) as traces_once
        group by {{ grain | join(', ') }}

    ),

    {{ relation }}_totals as (

        select
            sums.*,
            cast(coalesce(requests.requests, 0) as bigint) as requests,
            cast(coalesce(requests.answered_requests, 0) as bigint) as answered_requests,
            cast(coalesce(requests.known_answers, 0) as bigint) as known_answers,
            coalesce(traces.traces, 0) as traces
        from {{ relation }}_sums as sums
        left join {{ relation }}_requests as requests on {{ are_same('sums', 'requests', grain) }}
        left join {{ relation }}_traces as traces on {{ are_same('sums', 'traces', grain) }}

    ){{ ',' if not loop.last }}

{% endfor %}

select
    cohorts.{{ cohort | join(',\n    cohorts.') }},
    cohorts.revenue_usd,
    cohorts.{{ purposes | join(',\n    cohorts.') }},
    cohorts.sampled_usd,
    cohorts.basis,
    cohorts.stated_answers,
    {{ estimated_answers('cohorts', 'features') }} as answers,
    case when features.telemetry_users > 0 then cohorts.telemetry_users else cohorts.traced_users end as users,
    {{ estimated_answers('features', 'features') }} as feature_answers,
    case when features.telemetry_users > 0 then features.telemetry_users else features.traced_users end
        as feature_users,
    case when features.requests > 0 then features.requests else features.traces end as feature_requests,
    features.known_answers > 0 as is_answered
from cohort_totals as cohorts
inner join feature_totals as features on cohorts.month = features.month and cohorts.feature_id = features.feature_id
