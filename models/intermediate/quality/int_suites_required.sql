-- one row per day, production configuration and required suite: how its newest run before that day came out
{% set configuration = ['feature_id', 'provider', 'model', 'prompt_version'] %}
{% set requirement = ['requirement_id', 'suite', 'fresh_days'] %}
{% set verdicts = ['passed', 'failed', 'too_few_cases', 'too_uncertain'] %}
{% set misfits = run_misfits() %}
with served as (

    select * from {{ ref('int_production_configurations') }}

),

configurations as (

    select distinct {{ configuration | join(', ') }}
    from served

),

requirements as (

    select
        *,
        {{ entry_key(['feature_id', 'suite', 'valid_from', 'valid_to']) }} as requirement_id
    from {{ ref('int_eval_requirements') }}

),

required as (

    select
        configurations.*,
        requirements.requirement_id,
        requirements.suite,
        requirements.min_pass_rate,
        requirements.min_cases,
        requirements.min_low_bound,
        requirements.fresh_days,
        requirements.valid_from,
        requirements.valid_to
    from configurations
    inner join requirements on configurations.feature_id = requirements.feature_id

),

compared as (

    select
        required.{{ (configuration + requirement) | join(',\n        required.') }},
        runs.run_id,
        runs.started_at,
        runs.started_on,
        runs.pass_rate,
        runs.misfit,
        {{ run_verdict('runs', 'required') }} as verdict
    from required
    inner join {{ ref('int_eval_run_matches') }} as runs
        on {{ are_same('required', 'runs', configuration) }} and required.suite = runs.suite

),

-- The newest run decides; of runs at the same moment nobody knows the order, so that the worse one does.
ranked as (

    select
        *,
        verdict is not null and row_number() over (
            partition by {{ (configuration + ['requirement_id', 'started_on', 'verdict is null']) | join(', ') }}
            order by started_at desc, pass_rate asc, run_id asc
        ) = 1 as is_newest
    from compared

),

-- Runs and days of service in one line of time, so that each day looks back once.
events as (

    select
        {{ (configuration + requirement) | join(',\n        ') }},
        started_on as day,
        1 as place,
        max(case when verdict = 'passed' then started_on end) as last_passed_on,
        {% for verdict in verdicts %}
            max(case when is_newest and verdict = '{{ verdict }}' then started_on end) as {{ verdict }}_on,
        {% endfor %}
        -- The less keeps a run from covering the configuration, the more.
        max(case misfit
            {% for misfit in misfits %}
                when '{{ misfit }}' then {{ loop.revindex }}
            {% endfor %}
        end) as nearness
    from ranked
    group by {{ (configuration + requirement) | join(', ') }}, started_on

    union all

    -- A day looks at the runs before it: its own come after it.
    select
        required.{{ (configuration + requirement) | join(',\n        required.') }},
        served.covered_on as day,
        0 as place,
        null as last_passed_on,
        {% for verdict in verdicts %}
            null as {{ verdict }}_on,
        {% endfor %}
        null as nearness
    from served
    inner join required
        on {{ are_same('served', 'required', configuration) }} and {{ in_force('required', 'served.covered_on') }}

),

remembered as (

    select
        {{ (configuration + requirement) | join(',\n        ') }},
        day,
        place,
        {{ so_far('last_passed_on', configuration + ['requirement_id'], 'day, place') }} as last_passed_on,
        {% for verdict in verdicts %}
            {{ so_far(verdict ~ '_on', configuration + ['requirement_id'], 'day, place') }} as {{ verdict }}_on,
        {% endfor %}
        {{ so_far('nearness', configuration + ['requirement_id'], 'day, place') }} as nearness
    from events

),

decided as (

    select
        *,
        greatest(
            {% for verdict in verdicts %}
                coalesce({{ verdict }}_on, date '1970-01-01'){{ ',' if not loop.last }}
            {% endfor %}
        ) as decided_on
    from remembered
    where place = 0

)

select
    {{ configuration | join(',\n    ') }},
    suite,
    day as covered_on,
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
from decided
