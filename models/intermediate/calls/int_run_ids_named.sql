-- one row per eval run, suite and trace (`trace`) or response id (`call`) that it names as its own
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

-- Keys as int_trace_ties has them: a response's is that of its call.
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
