{{ config(materialized="view") }}
with runs as (

    select * from {{ ref('stg_evals__runs') }}

),

responses as (

    select
        run_id,
        suite,
        feature_id,
        {{ each_of('response_ids') }} as response_id
    from runs

)

-- A response id hashes to the same key as its call, here and in int_trace_ties.
select
    run_id,
    suite,
    feature_id,
    'trace' as kind,
    {{ each_of('trace_keys') }} as tie_key
from runs

union

select
    run_id,
    suite,
    feature_id,
    'call' as kind,
    {{ row_key('response_id') }} as tie_key
from responses
