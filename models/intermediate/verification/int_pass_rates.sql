-- one row per month and feature with required suites: pass rate over the newest finished run of each
with months as (

    select distinct cast(date_trunc('month', covered_on) as date) as month
    from {{ ref('int_configurations_served') }}

    union

    select distinct cast(date_trunc('month', started_on) as date) as month
    from {{ ref('stg_evals__runs') }}

),

newest_runs as (

    {% call first_rows(
        partition_by="months.month, requirements.feature_id, requirements.suite",
        order_by="runs.started_at desc, runs.run_id"
    ) %}
        select
            months.month,
            requirements.feature_id,
            runs.passed,
            runs.passed + runs.failed + runs.errored as judged
        from months
        inner join {{ ref('eval_requirements') }} as requirements
            on {{ in_force('requirements', 'last_day(months.month)') }}
        inner join {{ ref('stg_evals__runs') }} as runs
            on
                requirements.feature_id = runs.feature_id
                and requirements.suite = runs.suite
                and runs.is_finished
                and runs.started_on <= last_day(months.month)
    {% endcall %}

)

select
    month,
    feature_id,
    cast(sum(passed) as double) / nullif(sum(judged), 0) as pass_rate
from newest_runs
group by month, feature_id
