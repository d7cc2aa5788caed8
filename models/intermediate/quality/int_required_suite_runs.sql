-- one row per month, configuration that served and required suite: its newest run up to the last day that it served
{% set configuration = ['feature_id', 'provider', 'model', 'prompt_version'] %}
with served as (

    select
        cast(date_trunc('month', covered_on) as date) as month,
        {{ configuration | join(',\n        ') }},
        max(covered_on) as last_served_on,
        sum(production_calls) as served_calls,
        {{ money('sum(greatest(coalesce(production_usd, 0), 0))') }} as served_usd
    from {{ ref('int_production_configurations') }}
    group by cast(date_trunc('month', covered_on) as date), {{ configuration | join(', ') }}

),

required as (

    select
        served.*,
        requirements.suite,
        requirements.min_pass_rate,
        requirements.min_cases,
        requirements.min_low_bound
    from served
    inner join {{ ref('int_eval_requirements') }} as requirements
        on served.feature_id = requirements.feature_id and {{ in_force('requirements', 'last_day(served.month)') }}

),

-- A run after a configuration's last day comes too late for its money.
judged as (

    select
        required.month,
        required.{{ configuration | join(',\n        required.') }},
        required.suite,
        runs.run_id,
        runs.started_at,
        runs.judged,
        runs.pass_rate,
        {{ run_verdict('runs', 'required') }} as verdict
    from required
    inner join {{ ref('int_eval_run_matches') }} as runs
        on
            {{ are_same('required', 'runs', configuration) }}
            and required.suite = runs.suite
            and required.last_served_on >= runs.started_on

),

newest as (

    {% call first_rows(
        partition_by=['month'] + configuration + ['suite'],
        order_by="started_at desc, pass_rate, run_id"
    ) %}
        select * from judged
        where verdict is not null
    {% endcall %}

)

select
    required.month,
    required.{{ configuration | join(',\n    required.') }},
    required.served_calls,
    required.served_usd,
    required.suite,
    newest.run_id,
    newest.judged,
    newest.pass_rate,
    newest.verdict
from required
left join newest
    on {{ are_same('required', 'newest', ['month'] + configuration + ['suite']) }}
