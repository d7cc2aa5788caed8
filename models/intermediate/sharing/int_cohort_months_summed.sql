-- one row per month, feature, plan and segment: costs by purpose beside revenue, answers and users
{{ replaces_touched("month", by="month", rebuilt_at_news_of="product") }}
{% set cohort = ['month', 'feature_id', 'plan', 'segment'] %}
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
        0 as told_answers,
        null as told_user_id
    from {{ ref('int_costs_cohorted') }}

    union all

    select
        {{ cohort | join(',\n        ') }},
        null as purpose,
        null as basis,
        0 as amount_usd,
        0 as revenue_usd,
        null as trace_key,
        null as user_id,
        answers as told_answers,
        user_id as told_user_id
    from {{ ref('int_uses_cohorted') }}
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
        0 as told_answers,
        null as told_user_id
    from {{ ref('int_revenue_allocated') }}
    where {{ is_touched('month', 'month', 'product') }}

),

-- A user of two cohorts is one user of the feature.
{% for relation, grain in [('cohorts', cohort), ('features', ['month', 'feature_id'])] %}
    {{ relation }} as (

        select
            {{ grain | join(',\n            ') }},
            sum(revenue_usd) as revenue_usd,
            {% for column, purpose in purposes.items() %}
                sum(case when purpose = '{{ purpose }}' then amount_usd else 0 end) as {{ column }},
            {% endfor %}
            case
                when count(distinct nullif(basis, 'unpriced')) > 1 then 'mixed'
                else coalesce(min(nullif(basis, 'unpriced')), 'unpriced')
            end as basis,
            sum(told_answers) as told_answers,
            count(distinct told_user_id) as told_users,
            count(distinct trace_key) as traces,
            count(distinct user_id) as traced_users
        from lines
        group by {{ grain | join(', ') }}

    ){{ ',' if not loop.last }}

{% endfor %}

-- Where telemetry counts no answers or users of a feature's month, production traces and their users stand in.
select
    cohorts.{{ cohort | join(',\n    cohorts.') }},
    cohorts.revenue_usd,
    cohorts.{{ purposes | join(',\n    cohorts.') }},
    cohorts.basis,
    case when features.told_answers > 0 then cohorts.told_answers else cohorts.traces end as answers,
    case when features.told_users > 0 then cohorts.told_users else cohorts.traced_users end as users,
    case when features.told_answers > 0 then features.told_answers else features.traces end as feature_answers,
    case when features.told_users > 0 then features.told_users else features.traced_users end as feature_users
from cohorts
inner join features on cohorts.month = features.month and cohorts.feature_id = features.feature_id
