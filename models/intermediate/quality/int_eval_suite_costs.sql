with feature_months as (

    select
        month,
        feature_id
    from {{ ref('int_current_eval_funding') }}

    union

    select
        month,
        feature_id
    from {{ ref('int_required_suite_runs') }}

),

finished_runs as (

    select
        runs.run_id,
        runs.suite,
        coalesce(chains.newest_feature_id, runs.feature_id) as feature_id,
        runs.started_at,
        runs.started_on,
        runs.stated_usd
    from {{ ref('stg_evals__runs') }} as runs
    left join {{ ref('stg_catalog__feature_chains') }} as chains on runs.feature_id = chains.feature_id
    where runs.is_finished and not runs.is_scores

    union all

    select
        run_id,
        suite,
        feature_id,
        min(started_at) as started_at,
        min(started_on) as started_on,
        cast(null as decimal(38, 12)) as stated_usd
    from {{ ref('int_eval_run_configurations') }}
    where is_scores
    group by run_id, suite, feature_id

),

runs_in_production as (

    select distinct
        month,
        feature_id,
        suite,
        run_id
    from {{ ref('int_required_suite_runs') }}

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
        month,
        feature_id,
        suite,
        sum(case when place = 1 then run_usd else 0 end) as run_usd
    from run_calls
    group by month, feature_id, suite

)

select
    runs.month,
    runs.feature_id,
    runs.suite,
    runs.run_id,
    -- The cost of the run's calls, else the cost that the run states.
    coalesce(call_costs.run_usd, runs.stated_usd) as run_usd
from representative_runs as runs
left join call_costs
    on runs.month = call_costs.month and runs.feature_id = call_costs.feature_id and runs.suite = call_costs.suite
