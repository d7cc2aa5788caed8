-- one row per provider, model in production and run model that speaks for it: the same name, or an alias of it
with served as (

    select distinct
        provider,
        model
    from {{ ref('int_production_configurations') }}
    where model != 'unknown'

),

run_models as (

    select distinct
        model as run_model,
        {{ model_stem('model') }} as model_stem
    from {{ ref('int_eval_run_configurations') }}
    where model is not null

),

-- As names on bills are resolved: an exact name before a pattern, then the longest pattern.
by_alias as (

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

)

select
    served.provider,
    served.model,
    run_models.run_model
from served
inner join run_models on {{ is_model_of('run_models.run_model', 'served.model') }}

union

select
    served.provider,
    served.model,
    by_alias.run_model
from served
inner join by_alias
    on served.provider = by_alias.provider and served.model = by_alias.model
