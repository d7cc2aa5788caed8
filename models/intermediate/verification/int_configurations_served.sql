-- one row per day and configuration (serving feature, provider, model, prompt version) that served production
with prompts as (

    select
        call_id,
        min(prompt_version) as prompt_version
    from {{ ref('int_call_origins_borne') }}
    group by call_id

)

select
    shares.started_on as covered_on,
    shares.serving_feature_id as feature_id,
    shares.provider,
    coalesce(shares.model, 'unknown') as model,
    prompts.prompt_version,
    count(distinct shares.call_id) as production_calls,
    sum(shares.borne_usd) as production_usd
from {{ ref('int_call_shares') }} as shares
inner join prompts on shares.call_id = prompts.call_id
where shares.purpose = 'production' and shares.serving_feature_id != 'unlabelled'
group by
    shares.started_on, shares.serving_feature_id, shares.provider, coalesce(shares.model, 'unknown'),
    prompts.prompt_version
