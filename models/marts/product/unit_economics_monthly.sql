{{ replaces_touched("month", by="month", rebuilt_at_news_of="product") }}
{% set units = {
    'answer': 'request_key', 'user': 'user_id', 'account': 'account_id', 'conversation': 'conversation_key'
} %}
-- The conversation that a trace's spans name, if they name exactly one.
with trace_conversations as (

    select
        trace_key,
        case when count(distinct tie_key) = 1 then min(tie_key) end as conversation_key
    from {{ ref('int_trace_ties') }}
    where
        kind in ('claim', 'conversation')
        -- A coding agent's metrics count a day, which is no conversation.
        and tie_key != {{ row_key("'metered:claude-code:' || cast(day as string)") }}
        and trace_key in (select costs.trace_key from {{ ref('int_feature_costs') }} as costs)
    group by trace_key

),

costs as (

    select
        costs.month,
        costs.feature_id,
        costs.request_key,
        costs.user_id,
        costs.account_id,
        case when own.trace_key is null then requests.conversation_key else own.conversation_key end
            as conversation_key,
        max(costs.adjusted_count) as adjusted_count,
        sum(costs.amount_usd) as amount_usd,
        sum(case when costs.is_sampled then 0 else costs.amount_usd end) as seen_usd
    from {{ ref('int_feature_costs') }} as costs
    left join trace_conversations as own on costs.trace_key = own.trace_key
    left join trace_conversations as requests on costs.request_key = requests.trace_key
    where costs.purpose = 'production'
    group by
        costs.month, costs.feature_id, costs.request_key, costs.user_id, costs.account_id,
        case when own.trace_key is null then requests.conversation_key else own.conversation_key end

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
            {% if unit == 'conversation' -%}
                -- A sampler dropped traces of a conversation of which it kept others, so that its cost is not known.
                having coalesce(max(adjusted_count), 1) <= 1
            {% endif %}

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
    cast(coalesce(per_conversation.units, 0) as bigint) as conversations,
    {{ money('pnl.production_usd - coalesce(per_user.amount_usd, 0)') }} as userless_usd,
    {{ money('pnl.production_usd - coalesce(per_account.amount_usd, 0)') }} as accountless_usd,
    {{ money('pnl.production_usd - coalesce(per_conversation.amount_usd, 0)') }} as conversationless_usd,
    {{ floored_part('pnl.production_usd', 1, 'pnl.answers') }} as usd_per_answer,
    {{ money('per_answer.median_usd') }} as median_usd_per_answer,
    {{ money('per_answer.p95_usd') }} as p95_usd_per_answer,
    {{ floored_part('per_user.amount_usd', 1, 'per_user.units') }} as usd_per_user,
    {{ money('per_user.median_usd') }} as median_usd_per_user,
    {{ money('per_user.p95_usd') }} as p95_usd_per_user,
    {{ floored_part('per_account.amount_usd', 1, 'per_account.units') }} as usd_per_account,
    {{ money('per_account.median_usd') }} as median_usd_per_account,
    {{ money('per_account.p95_usd') }} as p95_usd_per_account,
    {{ floored_part('per_conversation.amount_usd', 1, 'per_conversation.units') }} as usd_per_conversation,
    {{ money('per_conversation.median_usd') }} as median_usd_per_conversation,
    {{ money('per_conversation.p95_usd') }} as p95_usd_per_conversation
from months
inner join pnl on months.month = pnl.month and months.feature_id = pnl.feature_id
inner join feature_counts as counted on months.month = counted.month and months.feature_id = counted.feature_id
{% for unit in units -%}
    left join per_{{ unit }} on months.month = per_{{ unit }}.month and months.feature_id = per_{{ unit }}.feature_id
{% endfor %}
