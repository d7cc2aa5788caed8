{% set suite = ['month', 'feature_id', 'suite'] %}
with feature_chains as (

    select * from {{ ref('stg_catalog__feature_chains') }}

),

required_runs as (

    select * from {{ ref('int_required_suite_runs') }}

),

feature_months as (

    select
        funding.month,
        coalesce(feature_chains.newest_feature_id, funding.feature_id) as feature_id
    from {{ ref('int_eval_funding') }} as funding
    left join feature_chains on funding.feature_id = feature_chains.feature_id

    union

    select
        month,
        feature_id
    from required_runs

),

finished_runs as (

    select
        runs.run_id,
        runs.suite,
        coalesce(feature_chains.newest_feature_id, runs.feature_id) as feature_id,
        runs.started_at,
        runs.started_on,
        runs.passed + runs.failed + runs.errored as judged,
        runs.stated_usd
    from {{ ref('stg_evals__runs') }} as runs
    left join feature_chains on runs.feature_id = feature_chains.feature_id
    where runs.is_finished and not runs.is_scores

    union all

    select
        run_id,
        suite,
        feature_id,
        min(started_at) as started_at,
        min(started_on) as started_on,
        sum(judged) as judged,
        cast(null as decimal(38, 12)) as stated_usd
    from {{ ref('int_eval_run_configurations') }}
    where is_scores
    group by run_id, suite, feature_id

),

runs_in_production as (

    select distinct
        {{ suite | join(',\n        ') }},
        run_id
    from required_runs

),

priced_calls as (

    select * from {{ ref('int_eval_run_calls') }}
    where run_usd is not null

),

priced_runs as (

    select distinct
        run_id,
        suite
    from priced_calls

),

-- One more run is expected to cost as much as the newest run of what serves production, else the newest run of
-- anything. Runs with a known cost go before runs without.
representative_runs as (

    {% call first_rows(
        partition_by="feature_months.month, requirements.feature_id, requirements.suite",
        order_by=[
            "coalesce(priced_runs.run_id is not null or finished_runs.stated_usd is not null, false) desc",
            "runs_in_production.run_id is not null desc", "finished_runs.started_at desc nulls last",
            "finished_runs.run_id"
        ]
    ) %}
        select
            feature_months.month,
            requirements.feature_id,
            requirements.suite,
            finished_runs.run_id,
            finished_runs.judged,
            finished_runs.stated_usd
        from feature_months
        inner join {{ ref('int_eval_requirements') }} as requirements
            on
                feature_months.feature_id = requirements.feature_id
                and {{ in_force('requirements', 'last_day(feature_months.month)') }}
        left join finished_runs
            on
                requirements.feature_id = finished_runs.feature_id
                and requirements.suite = finished_runs.suite
                and finished_runs.started_on <= last_day(feature_months.month)
        left join runs_in_production
            on
                feature_months.month = runs_in_production.month
                and requirements.feature_id = runs_in_production.feature_id
                and requirements.suite = runs_in_production.suite
                and finished_runs.run_id = runs_in_production.run_id
        left join priced_runs
            on finished_runs.run_id = priced_runs.run_id and finished_runs.suite = priced_runs.suite
    {% endcall %}

),

-- Suites that ran in one trace of a harness share its calls. Each call counts once, for the first of the suites.
run_calls as (

    select
        runs.month,
        runs.feature_id,
        runs.suite,
        calls.run_usd,
        row_number() over (
            partition by
                runs.month, runs.feature_id, calls.call_key, calls.serving_feature_id, calls.model,
                calls.prompt_version
            order by runs.suite
        ) as place
    from representative_runs as runs
    inner join priced_calls as calls on runs.run_id = calls.run_id and runs.suite = calls.suite

),

call_costs as (

    select
        {{ suite | join(',\n        ') }},
        sum(case when place = 1 then run_usd else 0 end) as run_usd
    from run_calls
    group by {{ suite | join(', ') }}

),

-- `served` rates all money that has a run of the suite. `evaluated` rates only the evaluated configurations, whose
-- answers are counted, by the feature's own cost, or by its requests if they have no price.
run_weights as (

    select
        {{ suite | join(',\n        ') }},
        run_id,
        max(pass_rate) as pass_rate,
        max(judged) as judged,
        cast(sum(served_weight) as double) as served_weight,
        cast(sum(
            case when not is_evaluated then 0 when feature_usd > 0 then own_usd else own_requests end
        ) as double) as evaluated_weight
    from required_runs
    where run_id is not null
    group by {{ suite | join(', ') }}, run_id

),

{% set rate = 'sum({0} * pass_rate) / nullif(sum({0}), 0)' %}
{% set cases = 'sum({0}) * sum({0}) / nullif(sum({0} * {0} / judged), 0)' %}
-- `cases` is the effective sample size: the cases of a single run with the same uncertainty as the weighted mean.
suite_rates as (

    select
        {{ suite | join(',\n        ') }},
        {{ rate.format('served_weight') }} as served_pass_rate,
        {{ cases.format('served_weight') }} as served_cases,
        {{ rate.format('evaluated_weight') }} as evaluated_pass_rate,
        {{ cases.format('evaluated_weight') }} as evaluated_cases
    from run_weights
    group by {{ suite | join(', ') }}

),

-- All configurations of a feature require the same suites, so that their sums are the same for each suite.
evaluated_configurations as (

    select
        {{ suite | join(',\n        ') }},
        cast(sum(case when is_evaluated then served_weight else 0 end) as double)
        / nullif(cast(sum(served_weight) as double), 0) as served_pct,
        case
            when max(feature_usd) > 0
                then
                    cast(sum(case when is_evaluated then own_usd else 0 end) as double)
                    / cast(max(feature_usd) as double)
        end as usd_pct,
        cast(sum(case when is_evaluated then own_requests else 0 end) as double)
        / nullif(cast(max(feature_requests) as double), 0) as requests_pct
    from required_runs
    group by {{ suite | join(', ') }}

)

select
    runs.month,
    runs.feature_id,
    runs.suite,
    runs.run_id,
    -- The cost of the run's calls, else the cost that the run states.
    coalesce(call_costs.run_usd, runs.stated_usd) as run_usd,
    cast(runs.judged as bigint) as run_cases,
    rates.served_pass_rate,
    rates.served_cases,
    rates.evaluated_pass_rate,
    rates.evaluated_cases,
    evaluated.served_pct as evaluated_served_pct,
    -- Shares of the feature's production cost and answers that belong to evaluated configurations.
    coalesce(evaluated.usd_pct, evaluated.requests_pct) as evaluated_usd_pct,
    -- A feature that only batches serve has no requests of its own, so its answers are shared out by cost.
    coalesce(evaluated.requests_pct, evaluated.usd_pct) as evaluated_answers_pct
from representative_runs as runs
left join call_costs on {{ are_same('runs', 'call_costs', suite) }}
left join suite_rates as rates on {{ are_same('runs', 'rates', suite) }}
left join evaluated_configurations as evaluated on {{ are_same('runs', 'evaluated', suite) }}
