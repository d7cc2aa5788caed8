-- one row per provider and model name as bills write it: the model that prices and calls know it by
{{ config(materialized="kept", meta={"rebuilt_at_news_of": "bills"}) }}
with names as (

    select distinct
        provider,
        model_name
    from {{ ref('int_provider_lines_unioned') }}

),

{{ resolved_models('names', ref('model_aliases')) }}
