{% set configuration = ['feature_id', 'provider', 'model', 'prompt_version'] %}
{% set nearest_first = ["misfit is not null"] %}
{% for misfit in run_misfits() %}{% do nearest_first.append("misfit != '" ~ misfit ~ "'") %}{% endfor %}
with production_configurations as (

    select distinct {{ configuration | join(', ') }}
    from {{ ref('int_production_configurations') }}

),

-- A cancelled or errored run proves nothing. A run with status `failed` counts only against what it ran.
judged_runs as (

    select * from {{ ref('int_eval_run_configurations') }}
    where passed + failed > 0 and (is_finished or (is_failed and failed > 0))

),

production_models as (

    select distinct
        provider,
        model
    from production_configurations
    where model != 'unknown'

),

run_models as (

    select distinct
        model as run_model,
        {{ model_stem('model') }} as model_stem
    from judged_runs
    where model is not null

),

-- The same precedence as for names on bills: an exact name before a pattern, then the longest pattern.
aliased_models as (

    {% call first_rows(
        partition_by="aliases.provider, run_models.run_model",
        order_by=[
            "aliases.pattern in (run_models.run_model, run_models.model_stem) desc", "length(aliases.pattern) desc",
            "aliases.model"
        ]
    ) %}
        select
            aliases.provider,
            aliases.model,
            run_models.run_model
        from run_models
        inner join {{ ref('model_aliases') }} as aliases
            on
                {{ is_like('run_models.run_model', 'aliases.pattern') }}
                or {{ is_like('run_models.model_stem', 'aliases.pattern') }}
    {% endcall %}

),

-- A run's model matches the production model of the same name, or the one that it is an alias of.
matching_models as (

    select
        production_models.provider,
        production_models.model,
        run_models.run_model
    from production_models
    inner join run_models on {{ is_model_of('run_models.run_model', 'production_models.model') }}

    union

    select
        production_models.provider,
        production_models.model,
        aliased_models.run_model
    from production_models
    inner join aliased_models
        on production_models.provider = aliased_models.provider and production_models.model = aliased_models.model

),

-- A model or prompt version that production or the run does not state never matches: it may be any.
compared_runs as (

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
            when matching_models.run_model is null then 'other_model'
            when configurations.prompt_version is null then 'no_prompt_version'
            when runs.prompt_version is null then 'run_without_prompt_version'
            when runs.prompt_version != configurations.prompt_version then 'other_prompt_version'
        end as misfit
    from production_configurations as configurations
    inner join judged_runs as runs on configurations.feature_id = runs.feature_id
    left join matching_models
        on
            configurations.provider = matching_models.provider
            and configurations.model = matching_models.model
            and runs.model = matching_models.run_model

)

-- A run of several models or prompt versions is compared by the one that is nearest to the configuration.
{% call first_rows(
    partition_by=configuration + ['suite', 'run_id'],
    order_by=nearest_first + ["pass_rate"]
) %}
    select * from compared_runs
{% endcall %}
