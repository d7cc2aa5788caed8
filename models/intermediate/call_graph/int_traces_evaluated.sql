-- one row per trace that an eval run names: the feature that the run evaluated
with traces as (

    select
        feature_id,
        run_id,
        unnest(trace_keys) as trace_key
    from {{ ref('stg_evals__runs') }}
    where len(trace_keys) > 0

)

select
    trace_key,
    min(feature_id) as feature_id
from traces
group by trace_key
