with feature_chains as (

    select * from {{ ref('stg_catalog__feature_chains') }}

),

shares as (

    select * from {{ ref('int_current_feature_shares') }}

),

spans as (

    select * from {{ ref('int_span_calls') }}

),

runs as (

    select
        {{ all_but('runs', ['feature_id']) }},
        coalesce(feature_chains.newest_feature_id, runs.feature_id) as feature_id,
        runs.passed + runs.failed + runs.errored as judged
    from {{ ref('stg_evals__runs') }} as runs
    left join feature_chains on runs.feature_id = feature_chains.feature_id
    where not runs.is_scores

),

-- A run that references its calls evaluated the configurations of these calls.
observed_configurations as (

    select distinct
        run_id,
        suite,
        serving_feature_id,
        nullif(model, 'unknown') as model,
        prompt_version
    from {{ ref('int_eval_run_calls') }}
    where is_seen

),

features_in_production as (

    select distinct feature_id
    from {{ ref('int_production_configurations') }}

),

-- Calls of a feature that serves production evaluate that feature. Other labels are the harness's own, and its calls
-- evaluate the feature that the run states.
attributed_configurations as (

    select
        runs.run_id,
        runs.suite,
        coalesce(features_in_production.feature_id, runs.feature_id) as feature_id,
        runs.feature_id as run_feature_id,
        runs.model_name as run_model,
        runs.prompt_version as run_prompt_version,
        observed_configurations.model,
        observed_configurations.prompt_version
    from observed_configurations
    inner join runs on observed_configurations.run_id = runs.run_id and observed_configurations.suite = runs.suite
    left join features_in_production
        on observed_configurations.serving_feature_id = features_in_production.feature_id

),

run_configurations as (

    select
        run_id,
        suite,
        feature_id,
        model,
        prompt_version
    from attributed_configurations

    union

    -- Fall back to the run's own model and prompt version where the harness's spans have none.
    select
        run_id,
        suite,
        feature_id,
        coalesce(model, run_model) as model,
        coalesce(prompt_version, run_prompt_version) as prompt_version
    from attributed_configurations
    where feature_id = run_feature_id

    union

    -- A run without observed calls evaluated the configuration that it states.
    select
        runs.run_id,
        runs.suite,
        runs.feature_id,
        runs.model_name as model,
        runs.prompt_version
    from runs
    left join observed_configurations
        on runs.run_id = observed_configurations.run_id and runs.suite = observed_configurations.suite
    where observed_configurations.run_id is null

),

-- A score references a response, a span or a whole trace. Only a response or a span identifies a single call.
scored_calls as (

    select
        scores.run_id,
        scores.suite,
        scores.item_id,
        spans.call_key
    from {{ ref('stg_evals__scores') }} as scores
    inner join spans on scores.response_id = spans.call_id and spans.is_answered

    union

    select
        scores.run_id,
        scores.suite,
        scores.item_id,
        spans.call_key
    from {{ ref('stg_evals__scores') }} as scores
    inner join spans on scores.trace_key = spans.trace_key and scores.span_key = spans.span_key

),

scored_items as (

    select
        {{ all_but('scores', ['feature_id']) }},
        coalesce(feature_chains.newest_feature_id, scores.feature_id) as feature_id,
        scored_calls.call_key
    from {{ ref('stg_evals__scores') }} as scores
    left join feature_chains on scores.feature_id = feature_chains.feature_id
    left join scored_calls
        on
            scores.run_id = scored_calls.run_id
            and scores.suite = scored_calls.suite
            and scores.item_id = scored_calls.item_id

),

-- All calls of an experiment's trace are evaluation. In a production trace only the judges' calls are.
scored_traces as (

    select
        trace_key,
        bool_and(purpose = 'evaluation') as is_experiment
    from shares
    where trace_key in (select scored_items.trace_key from scored_items)
    group by trace_key

),

item_configurations as (

    select
        scored_items.run_id,
        scored_items.suite,
        scored_items.item_id,
        scored_items.scored_at,
        scored_items.passed,
        scored_items.failed,
        scored_items.errored,
        coalesce(scored_items.feature_id, shares.serving_feature_id) as feature_id,
        shares.model,
        shares.prompt_version
    from scored_items
    inner join shares on scored_items.call_key = shares.call_key

    union

    -- A score of a whole trace counts for each configuration that ran in it, but not for the judges'.
    select
        scored_items.run_id,
        scored_items.suite,
        scored_items.item_id,
        scored_items.scored_at,
        scored_items.passed,
        scored_items.failed,
        scored_items.errored,
        coalesce(scored_items.feature_id, shares.serving_feature_id) as feature_id,
        shares.model,
        shares.prompt_version
    from scored_items
    inner join scored_traces on scored_items.trace_key = scored_traces.trace_key
    inner join shares on scored_items.trace_key = shares.trace_key
    where scored_items.call_key is null and (shares.purpose != 'evaluation' or scored_traces.is_experiment)

),

results as (

    select
        run_configurations.*,
        runs.started_at,
        runs.started_on,
        runs.passed,
        runs.failed,
        runs.judged,
        runs.is_finished,
        runs.is_failed,
        false as is_scores
    from run_configurations
    inner join runs on run_configurations.run_id = runs.run_id and run_configurations.suite = runs.suite

    union all

    select
        run_id,
        suite,
        feature_id,
        nullif(model, 'unknown') as model,
        prompt_version,
        min(scored_at) as started_at,
        cast(min(scored_at) as date) as started_on,
        cast(sum(passed) as bigint) as passed,
        cast(sum(failed) as bigint) as failed,
        cast(sum(passed) + sum(failed) + sum(errored) as bigint) as judged,
        true as is_finished,
        false as is_failed,
        true as is_scores
    from item_configurations
    group by run_id, suite, feature_id, model, prompt_version

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
    is_failed,
    is_scores
from results
