-- one row per day, production configuration and required suite: its newest passing run before that day, or why none
with required as (

    select
        served.covered_on,
        served.feature_id,
        served.provider,
        served.model,
        served.prompt_version,
        requirements.suite,
        requirements.min_pass_rate,
        requirements.fresh_days
    from {{ ref('int_configurations_served') }} as served
    inner join {{ ref('eval_requirements') }} as requirements
        on served.feature_id = requirements.feature_id and {{ in_force('requirements', 'served.covered_on') }}

),

-- Each required suite against every earlier run of it; a suite that never ran keeps one row.
compared as (

    select
        required.*,
        runs.run_id,
        runs.started_on,
        runs.model is null or models.run_model is not null as is_model,
        coalesce(runs.prompt_version = required.prompt_version, runs.prompt_version is null) as is_prompt,
        runs.is_finished and runs.pass_rate >= coalesce(required.min_pass_rate, 0) as is_passed
    from required
    left join {{ ref('int_runs_configured') }} as runs
        on
            required.feature_id = runs.feature_id
            and required.suite = runs.suite
            and required.covered_on > runs.started_on
    left join {{ ref('int_run_models_matched') }} as models
        on
            required.provider = models.provider
            and required.model = models.model
            and runs.model = models.run_model

),

judged as (

    select
        covered_on,
        feature_id,
        provider,
        model,
        prompt_version,
        suite,
        fresh_days,
        count(run_id) as runs,
        count(run_id) filter (where is_model) as runs_of_model,
        count(run_id) filter (where is_model and is_prompt) as runs_of_both,
        max(started_on) filter (where is_model and is_prompt and is_passed) as last_passed_on
    from compared
    group by covered_on, feature_id, provider, model, prompt_version, suite, fresh_days

)

select
    covered_on,
    feature_id,
    provider,
    model,
    prompt_version,
    suite,
    last_passed_on,
    case
        when {{ days_between('last_passed_on', 'covered_on') }} <= coalesce(fresh_days, 100000) then null
        when last_passed_on is not null then 'stale'
        when runs_of_both > 0 then 'failed'
        when runs_of_model > 0 then 'other_prompt_version'
        when runs > 0 then 'other_model'
        else 'never_run'
    end as reason
from judged
