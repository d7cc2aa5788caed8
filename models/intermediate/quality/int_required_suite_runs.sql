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
        sum(configuration_months.served_usd)
            over (partition by configuration_months.month, configuration_months.feature_id) as feature_served_usd,
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

),

production as (

    select * from {{ ref('int_production_requests') }}

),

production_totals as (

    select
        month,
        feature_id,
        sum(production_usd) as feature_usd,
        sum(requests) as feature_requests
    from production
    group by month, feature_id

),

weighted_runs as (

    select
        required_suites.month,
        required_suites.{{ configuration | join(',\n        required_suites.') }},
        required_suites.suite,
        required_suites.min_cases,
        required_suites.min_low_bound,
        newest_runs.run_id,
        newest_runs.started_at,
        newest_runs.judged,
        newest_runs.pass_rate,
        newest_runs.verdict,
        -- Configurations are weighted by their cost, those of a feature whose calls have no price by their calls.
        case
            when required_suites.feature_served_usd > 0 then required_suites.served_usd
            else {{ money('required_suites.served_calls') }}
        end as served_weight,
        coalesce(production.production_usd, 0) as own_usd,
        coalesce(production.requests, 0) as own_requests,
        production_totals.feature_usd,
        production_totals.feature_requests
    from required_suites
    left join newest_runs
        on {{ are_same('required_suites', 'newest_runs', ['month'] + configuration + ['suite']) }}
    left join production
        on
            {{ are_same('required_suites', 'production', ['month'] + configuration) }}
            and required_suites.feature_id = production.serving_feature_id
    left join production_totals
        on
            required_suites.month = production_totals.month
            and required_suites.feature_id = production_totals.feature_id

),

runs_and_suites as (

    select
        *,
        count(case when served_weight > 0 then run_id end) over (partition by month, feature_id, suite) > 0
            as is_suite_run
    from weighted_runs

)

{% set of_configuration = '(partition by ' ~ (['month'] + configuration) | join(', ') ~ ')' %}
select
    {{ all_but('', ['is_suite_run']) }},
    -- A configuration is evaluated if it has a run of every suite that has a run of any configuration.
    count(case when is_suite_run then 1 end) over {{ of_configuration }} > 0
    and count(case when is_suite_run and run_id is null then 1 end) over {{ of_configuration }} = 0 as is_evaluated
from runs_and_suites
