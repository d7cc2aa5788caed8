-- one row per month and feature with production: what an answer, an active user and an account cost, the expensive too
{{ replaces_touched("month", by="month", rebuilt_at_news_of="product") }}
{% set units = {'answer': 'trace_key', 'user': 'user_id', 'account': 'account_id'} %}
with costs as (

    select
        month,
        feature_id,
        trace_key,
        user_id,
        account_id,
        -- Of a request that gave several answers, each cost a part.
        max(greatest(coalesce(answers, 1), 1)) as answers,
        sum(amount_usd) as amount_usd
    from {{ ref('int_costs_cohorted') }}
    where purpose = 'production'
    group by month, feature_id, trace_key, user_id, account_id

),

{% for unit, key in units.items() %}
    of_{{ unit }}s as (

        select
            month,
            feature_id,
            {{ key }},
            {{ floored_part('sum(amount_usd)', 1, 'max(answers)') if unit == 'answer' else money('sum(amount_usd)') }}
                as amount_usd
        from costs
        where {{ key }} is not null
        group by month, feature_id, {{ key }}

    ),

    per_{{ unit }} as (

        select
            month,
            feature_id,
            count(*) as units,
            sum(amount_usd) as amount_usd,
            {{ nearest_rank('amount_usd', 0.5) }} as median_usd,
            {{ nearest_rank('amount_usd', 0.95) }} as p95_usd
        from of_{{ unit }}s
        group by month, feature_id

    ),

{% endfor %}
pnl as (

    select * from {{ ref('feature_pnl_monthly') }}

)

select
    per_answer.month,
    per_answer.feature_id,
    {{ money('pnl.production_usd') }} as production_usd,
    cast(pnl.answers as bigint) as answers,
    cast(per_answer.units as bigint) as requests,
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
from per_answer
inner join pnl on per_answer.month = pnl.month and per_answer.feature_id = pnl.feature_id
left join per_user on per_answer.month = per_user.month and per_answer.feature_id = per_user.feature_id
left join per_account on per_answer.month = per_account.month and per_answer.feature_id = per_account.feature_id
