with scores as (

    select * from {{ ref('stg_evals__scores') }}

),

-- A judge's own trace is evaluation, and so is what an experiment ran; what was scored in production stays production.
own_traces as (

    select
        run_id,
        suite,
        {{ collected('trace_key') }} as trace_keys
    from (select
        run_id,
        suite,
        {{ each_of('trace_keys') }} as trace_key
    from scores) as scored
    group by run_id, suite

),

summed as (

    select
        run_id,
        suite,
        min(tool) as tool,
        case when count(distinct feature_id) = 1 then min(feature_id) end as feature_id,
        min(scored_at) as started_at,
        max(scored_at) as ended_at,
        count(*) as cases,
        cast(sum(passed) as bigint) as passed,
        cast(sum(failed) as bigint) as failed,
        cast(sum(errored) as bigint) as errored,
        {{ collected('case when not is_online then response_id end') }} as response_ids,
        bool_and(is_online) as is_online
    from scores
    group by run_id, suite

)

select
    summed.*,
    own_traces.trace_keys
from summed
left join own_traces on summed.run_id = own_traces.run_id and summed.suite = own_traces.suite
