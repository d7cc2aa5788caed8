-- one row per provider and model name as calls write it: the model that prices and bills know it by
with names as (

    select distinct
        provider,
        model_key as model_name
    from {{ ref('int_calls_provided') }}

),

{{ resolved_models('names', ref('model_aliases')) }}
