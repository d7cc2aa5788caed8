{% set configuration = ['feature_id', 'provider', 'model', 'prompt_version'] %}
{% set requirement = ['requirement_id', 'suite', 'fresh_days'] %}
{% set verdicts = ['passed', 'failed', 'too_few_cases', 'too_uncertain'] %}
{% set misfits = run_misfits() %}
with production_configurations as (

    select * from {{ ref('int_production_configurations') }}

),

configurations as (

    select distinct {{ configuration | join(', ') }}
    from production_configurations

),

requirements as (

    select
        *,
        {{ entry_key(['feature_id', 'suite', 'valid_from', 'valid_to']) }} as requirement_id
    from {{ ref('int_eval_requirements') }}

),

required_suites as (

    select
        configurations.*,
        {{ all_but('requirements', ['feature_id']) }}
    from configurations
    inner join requirements on configurations.feature_id = requirements.feature_id

),

suite_runs as (

    select
        required_suites.{{ (configuration + requirement) | join(',\n        required_suites.') }},
        runs.run_id,
        runs.started_at,
        runs.started_on,
        runs.pass_rate,
        runs.misfit,
        {{ run_verdict('runs', 'required_suites') }} as verdict
    from required_suites
    inner join {{ ref('int_eval_run_matches') }} as runs
        on {{ are_same('required_suites', 'runs', configuration) }} and required_suites.suite = runs.suite

),

-- The newest run of a day decides. The order of runs that start at the same moment is unknown: the worse one decides.
ranked_runs as (

    select
        *,
        verdict is not null and row_number() over (
            partition by {{ (configuration + ['requirement_id', 'started_on', 'verdict is null']) | join(', ') }}
            order by started_at desc, pass_rate asc, run_id asc
        ) = 1 as is_newest
    from suite_runs

),

-- Runs and days of service on one time line, so that a window function finds the latest runs before each day.
run_and_service_days as (

    select
        {{ (configuration + requirement) | join(',\n        ') }},
        started_on as day,
        1 as place,
        max(case when verdict = 'passed' then started_on end) as last_passed_on,
        {% for verdict in verdicts %}
            max(case when is_newest and verdict = '{{ verdict }}' then started_on end) as {{ verdict }}_on,
        {% endfor %}
        -- The smaller the difference between run and configuration, the larger.
        max(case misfit
            {% for misfit in misfits %}
                when '{{ misfit }}' then {{ loop.revindex }}
            {% endfor %}
        end) as nearness
    from ranked_runs
    group by {{ (configuration + requirement) | join(', ') }}, started_on

    union all

    -- Runs of the same day come after it (`place`): a day is covered by the runs before it. To the gate of a release
    -- (`make check-evals`) they come before.
    select
        required_suites.{{ (configuration + requirement) | join(',\n        required_suites.') }},
        production_configurations.covered_on as day,
        {{ 2 if var('runs_cover_their_day') else 0 }} as place,
        null as last_passed_on,
        {% for verdict in verdicts %}
            null as {{ verdict }}_on,
        {% endfor %}
        null as nearness
    from production_configurations
    inner join required_suites
        on
            {{ are_same('production_configurations', 'required_suites', configuration) }}
            and {{ in_force('required_suites', 'production_configurations.covered_on') }}

),

latest_runs as (

    select
        {{ (configuration + requirement) | join(',\n        ') }},
        day,
        place,
        {{ so_far('last_passed_on', configuration + ['requirement_id'], 'day, place') }} as last_passed_on,
        {% for verdict in verdicts %}
            {{ so_far(verdict ~ '_on', configuration + ['requirement_id'], 'day, place') }} as {{ verdict }}_on,
        {% endfor %}
        {{ so_far('nearness', configuration + ['requirement_id'], 'day, place') }} as nearness
    from run_and_service_days

),

decided_days as (

    select
        *,
        greatest(
            {% for verdict in verdicts %}
                coalesce({{ verdict }}_on, date '1970-01-01'){{ ',' if not loop.last }}
            {% endfor %}
        ) as decided_on
    from latest_runs
    where place != 1

),

suite_reasons as (

    select
        day as covered_on,
        feature_id,
        model,
        prompt_version,
        suite,
        last_passed_on,
        case
            {% for verdict in verdicts if verdict != 'passed' %}
                when {{ verdict }}_on = decided_on then '{{ verdict }}'
            {% endfor %}
            when {{ days_between('passed_on', 'day') }} <= coalesce(fresh_days, 100000) then null
            when passed_on is not null then 'stale'
            {% for misfit in misfits %}
                when nearness = {{ loop.revindex }} then '{{ misfit }}'
            {% endfor %}
            else 'never_run'
        end as reason
    from decided_days

)

-- A model that several providers serve is covered only if it is with each of them.
select
    covered_on,
    feature_id,
    model,
    prompt_version,
    suite,
    max(reason) as reason,
    min(last_passed_on) as last_passed_on
from suite_reasons
group by covered_on, feature_id, model, prompt_version, suite
