{% set configuration = ['feature_id', 'provider', 'model', 'prompt_version'] %}
with configuration_months as (

    select
        cast(date_trunc('month', covered_on) as date) as month,
        {{ configuration | join(',\n        ') }},
        max(covered_on) as last_served_on,
        sum(production_calls) as served_calls,
        {{ money('sum(greatest(coalesce(production_usd, 0), 0))') }} as served_usd
    from {{ ref('int_production_configurations') }}
    group by cast(date_trunc('month', covered_on) as date), {{ configuration | join(', ') }}

),

required_suites as (

    select
        configuration_months.*,
        requirements.suite,
        requirements.min_pass_rate,
        requirements.min_cases,
        requirements.min_low_bound
    from configuration_months
    inner join {{ ref('int_eval_requirements') }} as requirements
        on
            configuration_months.feature_id = requirements.feature_id
            and {{ in_force('requirements', 'last_day(configuration_months.month)') }}

),

-- A run after the last day on which a configuration served comes too late for the month's money.
suite_runs as (

    select
        required_suites.month,
        required_suites.{{ configuration | join(',\n        required_suites.') }},
        required_suites.suite,
        runs.run_id,
        runs.started_at,
        runs.judged,
        runs.pass_rate,
        {{ run_verdict('runs', 'required_suites') }} as verdict
    from required_suites
    inner join {{ ref('int_eval_run_matches') }} as runs
        on
            {{ are_same('required_suites', 'runs', configuration) }}
            and required_suites.suite = runs.suite
            and required_suites.last_served_on >= runs.started_on

),

newest_runs as (

    {% call first_rows(
        partition_by=['month'] + configuration + ['suite'],
        order_by="started_at desc, pass_rate, run_id"
    ) %}
        select * from suite_runs
        where verdict is not null
    {% endcall %}

)

select
    required_suites.month,
    required_suites.{{ configuration | join(',\n    required_suites.') }},
    required_suites.served_calls,
    required_suites.served_usd,
    required_suites.suite,
    newest_runs.run_id,
    newest_runs.judged,
    newest_runs.pass_rate,
    newest_runs.verdict
from required_suites
left join newest_runs
    on {{ are_same('required_suites', 'newest_runs', ['month'] + configuration + ['suite']) }}
