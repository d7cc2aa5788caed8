-- one row per provider, model in production and run model that speaks for it: the same name, or an alias of it
with served as (

    select distinct
        provider,
        model
    from {{ ref('int_configurations_served') }}

),

run_models as (

    -- Eval tools write the provider before the model: openai/gpt-5.
    select distinct
        model as run_model,
        {{ without_pattern('model', '^[a-z_]+/') }} as bare_model
    from {{ ref('int_runs_configured') }}
    where model is not null

),

-- As names on bills are resolved: an exact name before a pattern, then the longest pattern.
by_alias as (

    {% call first_rows(
        partition_by="aliases.provider, run_models.run_model",
        order_by=[
            "aliases.pattern in (run_models.run_model, run_models.bare_model) desc", "length(aliases.pattern) desc",
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
                run_models.run_model like aliases.pattern escape '\'
                or run_models.bare_model like aliases.pattern escape '\'
    {% endcall %}

)

select
    served.provider,
    served.model,
    run_models.run_model
from served
inner join run_models
    on
        lower(served.model) in (run_models.run_model, run_models.bare_model)
        -- Routers put the vendor before it.
        or {{ without_pattern('lower(served.model)', '^.*/') }} = run_models.bare_model
        -- Providers date what they serve.
        or lower(served.model) like run_models.bare_model || '-20%'

union

select
    served.provider,
    served.model,
    by_alias.run_model
from served
inner join by_alias
    on served.provider = by_alias.provider and served.model = by_alias.model
