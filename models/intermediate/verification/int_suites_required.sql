-- one row per day, production configuration and required suite: its newest passing run before that day, or why none
{% set configuration = ['feature_id', 'provider', 'model', 'prompt_version'] %}
{% set requirement = ['requirement_id', 'suite', 'fresh_days'] %}
with served as (

    select * from {{ ref('int_configurations_served') }}

),

configurations as (

    select distinct {{ configuration | join(', ') }}
    from served

),

requirements as (

    select
        *,
        {{ entry_key(['feature_id', 'suite', 'valid_from', 'valid_to']) }} as requirement_id
    from {{ ref('int_requirements_continued') }}

),

required as (

    select
        configurations.*,
        requirements.requirement_id,
        requirements.suite,
        requirements.min_pass_rate,
        requirements.fresh_days,
        requirements.valid_from,
        requirements.valid_to
    from configurations
    inner join requirements on configurations.feature_id = requirements.feature_id

),

compared as (

    select
        required.{{ (configuration + requirement) | join(',\n        required.') }},
        runs.started_on,
        runs.model is null or models.run_model is not null as is_model,
        runs.is_any_prompt or {{ are_same('runs', 'required', ['prompt_version']) }} as is_prompt,
        runs.is_finished and runs.pass_rate >= coalesce(required.min_pass_rate, 0) as is_passed
    from required
    inner join {{ ref('int_runs_configured') }} as runs
        on required.feature_id = runs.feature_id and required.suite = runs.suite
    left join {{ ref('int_run_models_matched') }} as models
        on
            required.provider = models.provider
            and required.model = models.model
            and runs.model = models.run_model

),

-- Runs and days of service in one line of time, so that each day looks back once.
events as (

    select
        {{ (configuration + requirement) | join(',\n        ') }},
        started_on as day,
        1 as place,
        max(started_on) as run_on,
        max(case when is_model then started_on end) as model_run_on,
        max(case when is_model and is_prompt then started_on end) as both_run_on,
        max(case when is_model and is_prompt and is_passed then started_on end) as passed_on
    from compared
    group by {{ (configuration + requirement) | join(', ') }}, started_on

    union all

    -- A day looks at the runs before it: its own come after it.
    select
        required.{{ (configuration + requirement) | join(',\n        required.') }},
        served.covered_on as day,
        0 as place,
        null as run_on,
        null as model_run_on,
        null as both_run_on,
        null as passed_on
    from served
    inner join required
        on {{ are_same('served', 'required', configuration) }} and {{ in_force('required', 'served.covered_on') }}

),

remembered as (

    select
        {{ (configuration + requirement) | join(',\n        ') }},
        day,
        place,
        {{ so_far('run_on', configuration + ['requirement_id'], 'day, place') }} as run_on,
        {{ so_far('model_run_on', configuration + ['requirement_id'], 'day, place') }} as model_run_on,
        {{ so_far('both_run_on', configuration + ['requirement_id'], 'day, place') }} as both_run_on,
        {{ so_far('passed_on', configuration + ['requirement_id'], 'day, place') }} as passed_on
    from events

)

select
    {{ configuration | join(',\n    ') }},
    suite,
    day as covered_on,
    passed_on as last_passed_on,
    case
        when {{ days_between('passed_on', 'day') }} <= coalesce(fresh_days, 100000) then null
        when passed_on is not null then 'stale'
        when both_run_on is not null then 'failed'
        when model_run_on is not null and prompt_version is null then 'no_prompt_version'
        when model_run_on is not null then 'other_prompt_version'
        when run_on is not null then 'other_model'
        else 'never_run'
    end as reason
from remembered
where place = 0
