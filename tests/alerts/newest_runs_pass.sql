-- Required suites whose newest run failed on a configuration that served production on the newest days. The run of
-- today counts here already, though coverage ends tomorrow. The figure compared is how many rows.
{% set configuration = ['feature_id', 'provider', 'model', 'prompt_version'] %}
{{ config(
    meta={"figure": "required suites and configurations whose newest run failed"},
    warn_if="> " ~ var('alert_failed_runs').warn, error_if="> " ~ var('alert_failed_runs').error
) }}
with served as (

    select
        {{ configuration | join(',\n        ') }},
        max(covered_on) as covered_on,
        max(max(covered_on)) over () as newest_on
    from {{ ref('int_production_configurations') }}
    group by {{ configuration | join(', ') }}

),

judged as (

    select
        served.feature_id,
        served.provider,
        served.model,
        served.prompt_version,
        runs.suite,
        runs.run_id,
        runs.started_at,
        runs.pass_rate,
        runs.judged,
        requirements.min_pass_rate,
        {{ run_verdict('runs', 'requirements') }} as verdict
    from served
    inner join {{ ref('int_eval_run_matches') }} as runs on {{ are_same('served', 'runs', configuration) }}
    inner join {{ ref('int_eval_requirements') }} as requirements
        on
            served.feature_id = requirements.feature_id
            and runs.suite = requirements.suite
            and {{ in_force('requirements', 'served.newest_on') }}
    where {{ days_between('served.covered_on', 'served.newest_on') }} < {{ var('alert_failed_runs').days }}

),

newest as (

    {% call first_rows(
        partition_by=configuration + ['suite'],
        order_by="started_at desc, pass_rate, run_id"
    ) %}
        select * from judged
        where verdict is not null
    {% endcall %}

)

select
    *,
    'the configuration is not covered from the day after the run on, until a newer run passes' as what_to_do
from newest
where verdict = 'failed'
