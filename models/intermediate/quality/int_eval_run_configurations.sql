-- one row per eval run, suite, feature and configuration that ran in it; NULL where nobody says which model or prompt
with runs as (

    select
        {{ all_but('runs', ['feature_id']) }},
        coalesce(chains.newest_feature_id, runs.feature_id) as feature_id,
        runs.passed + runs.failed + runs.errored as judged
    from {{ ref('stg_evals__runs') }} as runs
    left join {{ ref('stg_catalog__feature_chains') }} as chains on runs.feature_id = chains.feature_id
    where not runs.is_scores

),

-- A run that names its calls evaluated what ran in them.
seen as (

    select distinct
        run_id,
        suite,
        serving_feature_id,
        nullif(model, 'unknown') as model,
        prompt_version
    from {{ ref('int_eval_run_calls') }}
    where is_seen

),

served as (

    select distinct feature_id
    from {{ ref('int_production_configurations') }}

),

-- Calls of a feature that serves production evaluate it; calls under a label that never serves are the harness's.
parts as (

    select
        seen.run_id,
        seen.suite,
        coalesce(served.feature_id, runs.feature_id) as feature_id,
        runs.feature_id as run_feature_id,
        runs.model_name,
        runs.prompt_version as run_prompt_version,
        seen.model,
        seen.prompt_version
    from seen
    inner join runs on seen.run_id = runs.run_id and seen.suite = runs.suite
    left join served on seen.serving_feature_id = served.feature_id

),

-- Fall back to the run's own model and prompt version where the harness's spans name none.
completed as (

    select
        run_id,
        suite,
        feature_id,
        model,
        prompt_version
    from parts

    union

    select
        run_id,
        suite,
        feature_id,
        coalesce(model, model_name) as model,
        coalesce(prompt_version, run_prompt_version) as prompt_version
    from parts
    where feature_id = run_feature_id

),

{% set of_run = ['started_at', 'started_on', 'passed', 'failed', 'judged', 'is_finished', 'is_failed'] %}
configured as (

    select
        runs.run_id,
        runs.suite,
        completed.feature_id,
        completed.model,
        completed.prompt_version,
        runs.{{ of_run | join(',\n        runs.') }}
    from completed
    inner join runs on completed.run_id = runs.run_id and completed.suite = runs.suite

    union all

    select
        runs.run_id,
        runs.suite,
        runs.feature_id,
        runs.model_name as model,
        runs.prompt_version,
        runs.{{ of_run | join(',\n        runs.') }}
    from runs
    left join seen on runs.run_id = seen.run_id and runs.suite = seen.suite
    where seen.run_id is null

    union all

    select
        run_id,
        suite,
        feature_id,
        nullif(model, 'unknown') as model,
        prompt_version,
        started_at,
        started_on,
        passed,
        failed,
        passed + failed + errored as judged,
        is_finished,
        false as is_failed
    from {{ ref('int_scores_configured') }}

)

select
    run_id,
    suite,
    feature_id,
    model,
    prompt_version,
    started_at,
    started_on,
    passed,
    failed,
    judged,
    cast(passed as double) / nullif(judged, 0) as pass_rate,
    is_finished,
    is_failed
from configured
