-- one row per production configuration and run of its feature that judged cases: what keeps the run from covering it
{% set configuration = ['feature_id', 'provider', 'model', 'prompt_version'] %}
{% set nearest_first = ["misfit is not null"] %}
{% for misfit in run_misfits() %}{% do nearest_first.append("misfit != '" ~ misfit ~ "'") %}{% endfor %}
with configurations as (

    select distinct {{ configuration | join(', ') }}
    from {{ ref('int_production_configurations') }}

),

-- Cancelled and errored runs decide nothing. One whose status says that it failed can only speak against what it ran.
runs as (

    select * from {{ ref('int_eval_run_configurations') }}
    where passed + failed > 0 and (is_finished or (is_failed and failed > 0))

),

-- Something that production or the run does not say never matches: nobody knows that it is the same.
compared as (

    select
        configurations.{{ configuration | join(',\n        configurations.') }},
        runs.suite,
        runs.run_id,
        runs.started_at,
        runs.started_on,
        runs.passed,
        runs.judged,
        runs.pass_rate,
        runs.is_finished,
        case
            when configurations.model = 'unknown' then 'no_model'
            when runs.model is null then 'run_without_model'
            when models.run_model is null then 'other_model'
            when configurations.prompt_version is null then 'no_prompt_version'
            when runs.prompt_version is null then 'run_without_prompt_version'
            when runs.prompt_version != configurations.prompt_version then 'other_prompt_version'
        end as misfit
    from configurations
    inner join runs on configurations.feature_id = runs.feature_id
    left join {{ ref('int_run_models_matched') }} as models
        on
            configurations.provider = models.provider
            and configurations.model = models.model
            and runs.model = models.run_model

)

-- A run of several models or prompts counts as the one that is nearest to the configuration.
{% call first_rows(
    partition_by=configuration + ['suite', 'run_id'],
    order_by=nearest_first + ["pass_rate"]
) %}
    select * from compared
{% endcall %}
