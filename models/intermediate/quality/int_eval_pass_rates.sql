-- one row per month and feature with required suites: pass rates of what serves, and what one more run would cost
{% set grain = ['month', 'feature_id'] %}
{% set configuration = ['month', 'feature_id', 'provider', 'model', 'prompt_version'] %}
{% if var('pass_rate_of_suites') not in ['worst', 'mean'] %}
    {{ exceptions.raise_compiler_error("pass_rate_of_suites is worst or mean, not " ~ var('pass_rate_of_suites')) }}
{% endif %}
with required_runs as (

    select * from {{ ref('int_eval_suite_costs') }}

),

production as (

    select
        *,
        sum(production_usd) over (partition by {{ grain | join(', ') }}) as feature_usd,
        sum(requests) over (partition by {{ grain | join(', ') }}) as feature_requests
    from {{ ref('int_production_requests') }}

),

-- Weights are money; of a feature whose calls have no price, calls and requests.
served as (

    select
        runs.*,
        case
            when sum(runs.served_usd) over (partition by runs.{{ grain | join(', runs.') }}) > 0 then runs.served_usd
            else {{ money('runs.served_calls') }}
        end as served_weight,
        coalesce(production.production_usd, 0) as own_usd,
        coalesce(production.requests, 0) as own_requests,
        case when production.feature_usd > 0 then production.production_usd else coalesce(production.requests, 0) end
            as own_weight
    from {{ ref('int_required_suite_runs') }} as runs
    left join production
        on
            {{ are_same('runs', 'production', configuration) }}
            and runs.feature_id = production.serving_feature_id

),

-- A configuration counts as evaluated where each suite that has a run of anything that serves has one of it.
suites as (

    select
        {{ grain | join(',\n        ') }},
        suite,
        count(case when served_weight > 0 then run_id end) > 0 as is_used
    from served
    group by {{ grain | join(', ') }}, suite

),

configurations as (

    select
        served.{{ configuration | join(',\n        served.') }},
        max(served.served_weight) as served_weight,
        max(served.own_usd) as own_usd,
        max(served.own_requests) as own_requests,
        count(case when suites.is_used then 1 end) > 0
        and count(case when suites.is_used and served.run_id is null then 1 end) = 0 as is_evaluated
    from served
    inner join suites
        on served.month = suites.month and served.feature_id = suites.feature_id and served.suite = suites.suite
    group by served.{{ configuration | join(', served.') }}

),

money_evaluated as (

    select
        {{ grain | join(',\n        ') }},
        cast(sum(case when is_evaluated then served_weight else 0 end) as double)
        / nullif(cast(sum(served_weight) as double), 0) as pass_rate_usd_pct,
        sum(case when is_evaluated then own_usd else 0 end) as evaluated_usd,
        sum(case when is_evaluated then own_requests else 0 end) as evaluated_requests
    from configurations
    group by {{ grain | join(', ') }}

),

feature_totals as (

    select
        {{ grain | join(',\n        ') }},
        max(feature_usd) as feature_usd,
        max(feature_requests) as feature_requests
    from production
    group by {{ grain | join(', ') }}

),

-- The rate of all money that has a run of the suite, and that of the evaluated money, whose answers are counted.
rated as (

    select
        served.{{ grain | join(',\n        served.') }},
        'served' as money,
        served.suite,
        served.run_id,
        served.pass_rate,
        served.judged,
        served.served_weight as weight
    from served

    union all

    select
        served.{{ grain | join(',\n        served.') }},
        'evaluated' as money,
        served.suite,
        served.run_id,
        served.pass_rate,
        served.judged,
        served.own_weight as weight
    from served
    inner join configurations on {{ are_same('served', 'configurations', configuration) }}
    where configurations.is_evaluated

),

run_rates as (

    select
        {{ grain | join(',\n        ') }},
        money,
        suite,
        max(pass_rate) as pass_rate,
        max(judged) as judged,
        cast(sum(weight) as double) as weight
    from rated
    where run_id is not null and weight > 0
    group by {{ grain | join(', ') }}, money, suite, run_id

),

-- The number of cases that a single run would need for the same uncertainty.
suite_rates as (

    select
        {{ grain | join(',\n        ') }},
        money,
        suite,
        sum(weight * pass_rate) / sum(weight) as pass_rate,
        sum(weight) * sum(weight) / sum(weight * weight / judged) as cases
    from run_rates
    group by {{ grain | join(', ') }}, money, suite

),

suites_from_worst as (

    select
        *,
        row_number() over (
            partition by {{ grain | join(', ') }}, money
            order by pass_rate, cases, suite
        ) as place
    from suite_rates

),

feature_rates as (

    select
        {{ grain | join(',\n        ') }},
        money,
        {% if var('pass_rate_of_suites') == 'mean' %}
            avg(pass_rate) as pass_rate,
            count(*) * count(*) / sum(1 / cases) as cases
        {% else %}
            max(case when place = 1 then pass_rate end) as pass_rate,
            max(case when place = 1 then cases end) as cases
        {% endif %}
    from suites_from_worst
    group by {{ grain | join(', ') }}, money

),

-- Sums of doubles differ in the last place by their order.
intervals as (

    select
        {{ grain | join(',\n        ') }},
        money,
        round(pass_rate, 12) as pass_rate,
        round({{ wilson_bound('pass_rate * cases', 'cases', -1) }}, 12) as pass_rate_low,
        round({{ wilson_bound('pass_rate * cases', 'cases', 1) }}, 12) as pass_rate_high
    from feature_rates

),

-- Suites that share a harness's trace share its calls: each call counts once, for one of them.
called as (

    select
        required_runs.month,
        required_runs.feature_id,
        required_runs.suite,
        calls.run_usd,
        row_number() over (
            partition by
                required_runs.month, required_runs.feature_id, calls.call_key, calls.serving_feature_id, calls.model,
                calls.prompt_version
            order by required_runs.suite
        ) as place
    from required_runs
    inner join {{ ref('int_eval_run_calls') }} as calls
        on required_runs.run_id = calls.run_id and required_runs.suite = calls.suite
    where calls.run_usd is not null

),

costs as (

    select
        month,
        feature_id,
        suite,
        sum(case when place = 1 then run_usd else 0 end) as run_usd
    from called
    group by month, feature_id, suite

),

summed as (

    select
        required_runs.month,
        required_runs.feature_id,
        count(*) as required_suites,
        count(case when suites.is_used then 1 end) as evaluated_suites,
        {{ joined_texts(
            'case when not coalesce(suites.is_used, false) then required_runs.suite end', ', ', 'required_runs.suite'
        ) }} as missing_suites,
        -- What a run cost, else what it says it cost; a suite of which neither is known costs as the others do.
        {{ floored_part(
            'sum(coalesce(costs.run_usd, required_runs.stated_usd))', 'count(*)',
            'count(coalesce(costs.run_usd, required_runs.stated_usd))'
        ) }} as one_more_usd
    from required_runs
    left join costs
        on
            required_runs.month = costs.month
            and required_runs.feature_id = costs.feature_id
            and required_runs.suite = costs.suite
    left join suites
        on
            required_runs.month = suites.month
            and required_runs.feature_id = suites.feature_id
            and required_runs.suite = suites.suite
    group by required_runs.month, required_runs.feature_id

)

{% set usd_pct = 'cast(money_evaluated.evaluated_usd as double) / cast(feature_totals.feature_usd as double)' %}
select
    summed.month,
    summed.feature_id,
    summed.required_suites,
    summed.evaluated_suites,
    summed.missing_suites,
    served_rates.pass_rate,
    served_rates.pass_rate_low,
    served_rates.pass_rate_high,
    evaluated_rates.pass_rate as evaluated_pass_rate,
    evaluated_rates.pass_rate_low as evaluated_pass_rate_low,
    evaluated_rates.pass_rate_high as evaluated_pass_rate_high,
    money_evaluated.pass_rate_usd_pct,
    -- Shares of the feature's production cost and answers that belong to evaluated configurations.
    case
        when feature_totals.feature_usd > 0 then {{ usd_pct }}
        else
            cast(money_evaluated.evaluated_requests as double)
            / nullif(cast(feature_totals.feature_requests as double), 0)
    end as evaluated_usd_pct,
    -- A feature that only batches serve has no requests of its own, so its answers follow its money.
    case
        when feature_totals.feature_requests > 0
            then cast(money_evaluated.evaluated_requests as double) / cast(feature_totals.feature_requests as double)
        when feature_totals.feature_usd > 0 then {{ usd_pct }}
    end as evaluated_answers_pct,
    summed.one_more_usd,
    -- What of it the team would bear: its cost less what the credit would grow by.
    {{ money(
        'summed.one_more_usd - ' ~ eval_credit('credits.evaluation_usd + summed.one_more_usd', 'credits.share', 'credits.cap_usd')
        ~ ' + credits.credit_usd'
    ) }} as marginal_eval_tax_usd
from summed
left join money_evaluated on summed.month = money_evaluated.month and summed.feature_id = money_evaluated.feature_id
left join feature_totals on summed.month = feature_totals.month and summed.feature_id = feature_totals.feature_id
left join intervals as served_rates
    on
        summed.month = served_rates.month
        and summed.feature_id = served_rates.feature_id
        and served_rates.money = 'served'
left join intervals as evaluated_rates
    on
        summed.month = evaluated_rates.month
        and summed.feature_id = evaluated_rates.feature_id
        and evaluated_rates.money = 'evaluated'
left join {{ ref('int_current_eval_funding') }} as credits
    on summed.month = credits.month and summed.feature_id = credits.feature_id
