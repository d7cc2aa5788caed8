-- one row per month, feature and required suite: the run that says what one more costs, if it ever ran
with months as (

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

runs as (

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
    from {{ ref('int_scores_configured') }}
    group by run_id, suite, feature_id

),

serving as (

    select distinct
        month,
        feature_id,
        suite,
        run_id
    from {{ ref('int_required_suite_runs') }}

),

with_calls as (

    select distinct
        run_id,
        suite
    from {{ ref('int_eval_run_calls') }}
    where run_usd is not null

)

-- The newest run of what serves, else of anything; runs whose cost nobody knows come last.
{% call first_rows(
    partition_by="months.month, requirements.feature_id, requirements.suite",
    order_by=[
        "coalesce(with_calls.run_id is not null or runs.stated_usd is not null, false) desc",
        "serving.run_id is not null desc", "runs.started_at desc nulls last", "runs.run_id"
    ]
) %}
    select
        months.month,
        requirements.feature_id,
        requirements.suite,
        runs.run_id,
        runs.stated_usd
    from months
    inner join {{ ref('int_eval_requirements') }} as requirements
        on
            months.feature_id = requirements.feature_id
            and {{ in_force('requirements', 'last_day(months.month)') }}
    left join runs
        on
            requirements.feature_id = runs.feature_id
            and requirements.suite = runs.suite
            and runs.started_on <= last_day(months.month)
    left join serving
        on
            months.month = serving.month
            and requirements.feature_id = serving.feature_id
            and requirements.suite = serving.suite
            and runs.run_id = serving.run_id
    left join with_calls on runs.run_id = with_calls.run_id and runs.suite = with_calls.suite
{% endcall %}
