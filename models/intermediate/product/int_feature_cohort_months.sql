-- one row per month, feature, plan and segment: costs by purpose beside revenue, answers and users
{{ replaces_touched("month", by="month", rebuilt_at_news_of="product") }}
{% set cohort = ['month', 'feature_id', 'plan', 'segment'] %}
{% set feature = ['month', 'feature_id'] %}
{% set purposes = {
    'production_usd': 'production', 'evaluation_usd': 'evaluation', 'development_usd': 'development',
    'unattributed_usd': 'unknown'
} %}
with lines as (

    select
        {{ cohort | join(',\n        ') }},
        purpose,
        basis,
        amount_usd,
        0 as revenue_usd,
        case when purpose = 'production' then trace_key end as trace_key,
        user_id,
        0 as stated_answers,
        null as told_user_id
    from {{ ref('int_feature_costs') }}

    union all

    select
        {{ cohort | join(',\n        ') }},
        null as purpose,
        null as basis,
        0 as amount_usd,
        0 as revenue_usd,
        null as trace_key,
        null as user_id,
        answers as stated_answers,
        user_id as told_user_id
    from {{ ref('int_feature_usage') }}
    where told_by = 'telemetry' and {{ is_touched('month', 'month', 'product') }}

    union all

    select
        {{ cohort | join(',\n        ') }},
        null as purpose,
        null as basis,
        0 as amount_usd,
        revenue_usd,
        null as trace_key,
        null as user_id,
        0 as stated_answers,
        null as told_user_id
    from {{ ref('int_feature_revenue') }}
    where {{ is_touched('month', 'month', 'product') }}

),

requests as (

    select distinct
        costs.{{ cohort | join(',\n        costs.') }},
        costs.request_key,
        answered.answers
    from {{ ref('int_requests_costed') }} as costs
    inner join {{ ref('int_feature_requests') }} as answered
        on
            costs.month = answered.month
            and costs.feature_id = answered.feature_id
            and costs.request_key = answered.request_key

),

-- A user or request of two cohorts is one of the feature.
{% for relation, grain, asked in [
    ('cohorts', cohort, 'requests'), ('features', feature, ref('int_feature_requests'))
] %}
    {{ relation }}_summed as (

        select
            {{ grain | join(',\n            ') }},
            sum(revenue_usd) as revenue_usd,
            {% for column, purpose in purposes.items() %}
                sum(case when purpose = '{{ purpose }}' then amount_usd else 0 end) as {{ column }},
            {% endfor %}
            {{ common_basis() }} as basis,
            sum(stated_answers) as stated_answers,
            count(distinct told_user_id) as told_users,
            count(distinct trace_key) as traces,
            count(distinct user_id) as traced_users
        from lines
        group by {{ grain | join(', ') }}

    ),

    {{ relation }}_asked as (

        select
            {{ grain | join(',\n            ') }},
            count(*) as requests,
            count(answers) as answered_requests,
            sum(answers) as known_answers
        from {{ asked }}
        group by {{ grain | join(', ') }}

    ),

    {{ relation }} as (

        select
            summed.*,
            cast(coalesce(asked.requests, 0) as bigint) as requests,
            cast(coalesce(asked.answered_requests, 0) as bigint) as answered_requests,
            cast(coalesce(asked.known_answers, 0) as bigint) as known_answers
        from {{ relation }}_summed as summed
        left join {{ relation }}_asked as asked
            on
                summed.month = asked.month
                and summed.feature_id = asked.feature_id
                {% if relation == 'cohorts' -%}
                    and summed.plan = asked.plan and summed.segment = asked.segment
                {%- endif %}

    ){{ ',' if not loop.last }}

{% endfor %}

select
    cohorts.{{ cohort | join(',\n    cohorts.') }},
    cohorts.revenue_usd,
    cohorts.{{ purposes | join(',\n    cohorts.') }},
    cohorts.basis,
    cohorts.stated_answers,
    {{ estimated_answers('cohorts', 'features') }} as answers,
    case when features.told_users > 0 then cohorts.told_users else cohorts.traced_users end as users,
    {{ estimated_answers('features', 'features') }} as feature_answers,
    case when features.told_users > 0 then features.told_users else features.traced_users end as feature_users,
    case when features.requests > 0 then features.requests else features.traces end as feature_requests,
    features.known_answers > 0 as is_answered
from cohorts
inner join features on cohorts.month = features.month and cohorts.feature_id = features.feature_id
