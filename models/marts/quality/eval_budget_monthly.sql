{% set configuration = ['month', 'feature_id', 'model', 'prompt_version'] %}
{% set keys = configuration | join(',\n        ') %}
with daily as (

    select
        cast(date_trunc('month', covered_on) as date) as month,
        *,
        -- A credit on a day counts as 0, as in eval_coverage_monthly.
        greatest(coalesce(production_usd, 0), 0) as served_usd,
        max(covered_on) over () as newest_on
    from {{ ref('eval_coverage_daily') }}

),

served as (

    select
        {{ keys }},
        sum(production_calls) as production_calls,
        sum(served_usd) as served_usd,
        sum(case when is_covered then 0 else served_usd end) as uncovered_usd,
        max(covered_on) as last_served_on,
        {{ days_between('max(covered_on)', 'least(max(newest_on), last_day(month))') }} < {{ var('release_days') }}
            as is_serving
    from daily
    group by {{ configuration | join(', ') }}

),

suites as (

    select
        {{ keys }},
        count(*) as required_suites,
        count(reason) as missing_suites,
        max(case when reason = 'failed' then 1 else 0 end) as failed_suites,
        case when count(cover_usd) = count(*) then sum(cover_usd) end as cover_usd
    from {{ ref('eval_precision_monthly') }}
    group by {{ configuration | join(', ') }}

),

-- The configuration's rate is that of its suite with the lowest, of several that with the fewest cases; or their mean.
rated_suites as (

    select
        *,
        row_number() over (
            partition by {{ configuration | join(', ') }}
            order by pass_rate, cases, suite
        ) as place
    from {{ ref('eval_precision_monthly') }}
    where pass_rate is not null

),

rates as (

    select
        {{ keys }},
        {% if var('pass_rate_of_suites') == 'mean' %}
            avg(pass_rate) as pass_rate,
            count(*) * count(*) / sum(1.0 / cases) as cases,
        {% else %}
            max(case when place = 1 then pass_rate end) as pass_rate,
            max(case when place = 1 then cases end) as cases,
        {% endif %}
        count(*) as rated_suites
    from rated_suites
    group by {{ configuration | join(', ') }}

),

suites_in_use as (

    select
        month,
        feature_id,
        count(distinct suite) as suites
    from rated_suites
    group by month, feature_id

),

-- Cost and number of the feature's own requests. Calls of a batch have no request, so their answers go by cost.
requests as (

    select
        month,
        feature_id,
        serving_feature_id,
        model,
        prompt_version,
        sum(production_usd) as own_usd,
        sum(requests) as own_requests,
        sum(sum(production_usd)) over (partition by month, feature_id) as feature_usd,
        sum(sum(requests)) over (partition by month, feature_id) as feature_requests
    from {{ ref('int_production_requests') }}
    group by month, feature_id, serving_feature_id, model, prompt_version

),

answers as (

    select
        requests.month,
        requests.feature_id,
        requests.model,
        requests.prompt_version,
        requests.own_usd,
        pnl.answers * coalesce(
            cast(requests.own_requests as double) / nullif(cast(requests.feature_requests as double), 0),
            cast(requests.own_usd as double) / nullif(cast(requests.feature_usd as double), 0)
        ) as answers
    from requests
    inner join {{ ref('feature_pnl_monthly') }} as pnl
        on requests.month = pnl.month and requests.feature_id = pnl.feature_id
    where requests.feature_id = requests.serving_feature_id

),

configurations as (

    select
        served.*,
        coalesce(suites.required_suites, 0) as required_suites,
        coalesce(suites.missing_suites, 0) as missing_suites,
        coalesce(rates.rated_suites, 0) as rated_suites,
        -- A rate of fewer suites than the feature's others have would look better than it is.
        case when rates.rated_suites = suites_in_use.suites then answers.answers end as rated_answers,
        suites.cover_usd,
        rates.pass_rate,
        {% for name, side in [('pass_rate_low', -1), ('pass_rate_high', 1)] %}
            {{ wilson_bound('rates.pass_rate * rates.cases', 'rates.cases', side) }} as {{ name }},
        {% endfor %}
        answers.own_usd,
        answers.answers,
        case
            when suites.required_suites is null then 'no_requirement'
            when suites.missing_suites = 0 then 'covered'
            when not served.is_serving then 'no_longer_served'
            when served.model = 'unknown' or served.prompt_version is null then 'version_unknown'
            when suites.failed_suites > 0 then 'failed'
            when coalesce(suites.cover_usd, 0) <= 0 then 'cost_unknown'
            else 'run'
        end as next_step
    from served
    left join suites on {{ are_same('served', 'suites', configuration) }}
    left join rates on {{ are_same('served', 'rates', configuration) }}
    left join suites_in_use on {{ are_same('served', 'suites_in_use', ['month', 'feature_id']) }}
    left join answers on {{ are_same('served', 'answers', configuration) }}

),

valued as (

    select
        *,
        case
            when next_step = 'run' then cast(uncovered_usd as double) / cast(cover_usd as double)
        end as covered_usd_per_eval_usd
    from configurations

)

select
    {{ configuration | join(',\n    ') }},
    cast(production_calls as bigint) as production_calls,
    {{ money('served_usd') }} as served_usd,
    {{ money('uncovered_usd') }} as uncovered_usd,
    last_served_on,
    required_suites,
    missing_suites,
    next_step,
    {{ money('cover_usd') }} as cover_usd,
    covered_usd_per_eval_usd,
    case
        when next_step = 'run'
            then row_number() over (
                partition by month, next_step
                order by covered_usd_per_eval_usd desc, feature_id, model, prompt_version
            )
    end as eval_rank,
    rated_suites,
    round(pass_rate, 12) as pass_rate,
    round(pass_rate_low, 12) as pass_rate_low,
    round(pass_rate_high, 12) as pass_rate_high,
    {{ money('own_usd') }} as own_usd,
    -- Statistics, not amounts to post: doubles rounded to scale 12.
    {% for name, answers in [
        ('usd_per_answer', 'answers'),
        ('usd_per_correct_answer', 'rated_answers * pass_rate'),
        ('usd_per_correct_answer_low', 'rated_answers * pass_rate_high'),
        ('usd_per_correct_answer_high', 'rated_answers * pass_rate_low')
    ] %}
        {{ money('cast(own_usd as double) / nullif(' ~ answers ~ ', 0)') }} as {{ name }},
    {% endfor %}
    round(answers, 9) as answers
from valued
