{{ replaces_touched("month", by="month", rebuilt_at_news_of="product") }}
{% set units = {'answer': 'request_key', 'user': 'user_id', 'account': 'account_id'} %}
with costs as (

    select
        month,
        feature_id,
        request_key,
        user_id,
        account_id,
        sum(amount_usd) as amount_usd,
        sum(case when is_sampled then 0 else amount_usd end) as seen_usd
    from {{ ref('int_feature_costs') }}
    where purpose = 'production'
    group by month, feature_id, request_key, user_id, account_id

),

feature_counts as (

    select
        month,
        feature_id,
        max(feature_requests) as requests,
        bool_or(is_answered) as is_answered
    from {{ ref('int_feature_cohort_months') }}
    group by month, feature_id

),

-- The cost of a request is divided by its answers. Percentiles leave out requests whose answers no event states, unless
-- no event of the feature states any.
request_answers as (

    select distinct
        requests.month,
        requests.feature_id,
        requests.request_key,
        greatest(coalesce(requests.answers, 1), 1) as answers
    from {{ ref('int_feature_requests') }} as requests
    inner join feature_counts as counted
        on requests.month = counted.month and requests.feature_id = counted.feature_id
    where requests.answers is not null or not counted.is_answered

),

cost_by_answer as (

    select
        costs.month,
        costs.feature_id,
        costs.request_key,
        {{ floored_part('sum(costs.seen_usd)', 1, 'max(request_answers.answers)') }} as amount_usd
    from costs
    inner join request_answers
        on
            costs.month = request_answers.month
            and costs.feature_id = request_answers.feature_id
            and costs.request_key = request_answers.request_key
    group by costs.month, costs.feature_id, costs.request_key

),

{% for unit, key in units.items() %}
    {% if unit != 'answer' %}
        cost_by_{{ unit }} as (

            select
                month,
                feature_id,
                {{ key }},
                {{ money('sum(amount_usd)') }} as amount_usd
            from costs
            where {{ key }} is not null
            group by month, feature_id, {{ key }}

        ),

    {% endif %}

    per_{{ unit }} as (

        select
            month,
            feature_id,
            count(*) as units,
            sum(amount_usd) as amount_usd,
            {{ nearest_rank('amount_usd', 0.5) }} as median_usd,
            {{ nearest_rank('amount_usd', 0.95) }} as p95_usd
        from cost_by_{{ unit }}
        group by month, feature_id

    ),

{% endfor %}
pnl as (

    select * from {{ ref('feature_pnl_monthly') }}

),

months as (

    select distinct
        month,
        feature_id
    from costs

)

select
    months.month,
    months.feature_id,
    {{ money('pnl.production_usd') }} as production_usd,
    cast(pnl.answers as bigint) as answers,
    cast(counted.requests as bigint) as requests,
    cast(case when counted.is_answered then per_answer.units else 0 end as bigint) as joined_requests,
    cast(coalesce(per_user.units, 0) as bigint) as users,
    cast(coalesce(per_account.units, 0) as bigint) as accounts,
    {{ money('pnl.production_usd - coalesce(per_user.amount_usd, 0)') }} as userless_usd,
    {{ money('pnl.production_usd - coalesce(per_account.amount_usd, 0)') }} as accountless_usd,
    {{ floored_part('pnl.production_usd', 1, 'pnl.answers') }} as usd_per_answer,
    {{ money('per_answer.median_usd') }} as median_usd_per_answer,
    {{ money('per_answer.p95_usd') }} as p95_usd_per_answer,
    {{ floored_part('per_user.amount_usd', 1, 'per_user.units') }} as usd_per_user,
    {{ money('per_user.median_usd') }} as median_usd_per_user,
    {{ money('per_user.p95_usd') }} as p95_usd_per_user,
    {{ floored_part('per_account.amount_usd', 1, 'per_account.units') }} as usd_per_account,
    {{ money('per_account.median_usd') }} as median_usd_per_account,
    {{ money('per_account.p95_usd') }} as p95_usd_per_account
from months
inner join pnl on months.month = pnl.month and months.feature_id = pnl.feature_id
inner join feature_counts as counted on months.month = counted.month and months.feature_id = counted.feature_id
{% for unit in units -%}
    left join per_{{ unit }} on months.month = per_{{ unit }}.month and months.feature_id = per_{{ unit }}.feature_id
{% endfor %}
