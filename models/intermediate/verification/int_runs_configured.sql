-- one row per eval run, suite, feature and configuration that the run speaks for; a NULL model is any
with runs as (

    select
        {{ all_but('runs', ['feature_id']) }},
        coalesce(chains.newest_feature_id, runs.feature_id) as feature_id,
        cast(runs.passed as double) / nullif(runs.passed + runs.failed + runs.errored, 0) as pass_rate
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
        model,
        prompt_version
    from {{ ref('int_runs_called') }}
    where is_seen

),

served as (

    select distinct feature_id
    from {{ ref('int_configurations_served') }}

),

-- What a part served that is a feature of its own is that feature's; a label that never serves is the harness's.
parts as (

    select
        seen.run_id,
        seen.suite,
        coalesce(served.feature_id, runs.feature_id) as feature_id,
        seen.model,
        seen.prompt_version
    from seen
    inner join runs on seen.run_id = runs.run_id and seen.suite = runs.suite
    left join served on seen.serving_feature_id = served.feature_id

    union

    -- Where the harness names no prompt version, the run's own word says what ran.
    select
        runs.run_id,
        runs.suite,
        runs.feature_id,
        seen.model,
        runs.prompt_version
    from seen
    inner join runs on seen.run_id = runs.run_id and seen.suite = runs.suite
    where seen.prompt_version is null and runs.prompt_version is not null

)

select
    runs.run_id,
    runs.suite,
    parts.feature_id,
    runs.started_on,
    runs.pass_rate,
    runs.is_finished,
    parts.model,
    parts.prompt_version,
    false as is_any_prompt
from parts
inner join runs on parts.run_id = runs.run_id and parts.suite = runs.suite

union all

select
    runs.run_id,
    runs.suite,
    runs.feature_id,
    runs.started_on,
    runs.pass_rate,
    runs.is_finished,
    runs.model_name as model,
    runs.prompt_version,
    runs.prompt_version is null as is_any_prompt
from runs
left join seen on runs.run_id = seen.run_id and runs.suite = seen.suite
where seen.run_id is null

union all

select
    run_id,
    suite,
    feature_id,
    started_on,
    pass_rate,
    is_finished,
    coalesce(model, 'unknown') as model,
    prompt_version,
    false as is_any_prompt
from {{ ref('int_scores_configured') }}
