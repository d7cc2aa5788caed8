with references_of_runs as (

    select * from {{ ref('int_eval_references') }}

),

shares as (

    select * from {{ ref('int_current_feature_shares') }}

),

-- `is_seen` marks calls that spans report and the run references. The others are known from the run's own usage alone.
run_calls as (

    select
        references_of_runs.run_id,
        references_of_runs.suite,
        shares.call_key,
        true as is_seen
    from references_of_runs
    inner join shares on references_of_runs.tie_key = shares.trace_key
    where references_of_runs.kind = 'trace'

    union

    select
        run_id,
        suite,
        tie_key as call_key,
        true as is_seen
    from references_of_runs
    where kind = 'call'

    union

    select
        run_id,
        suite,
        call_key,
        false as is_seen
    from {{ ref('int_eval_calls') }}

)

select
    run_calls.run_id,
    run_calls.suite,
    run_calls.call_key,
    run_calls.is_seen,
    shares.serving_feature_id,
    coalesce(shares.model, 'unknown') as model,
    shares.prompt_version,
    sum(shares.borne_usd) as run_usd
from run_calls
inner join shares on run_calls.call_key = shares.call_key
group by
    run_calls.run_id, run_calls.suite, run_calls.call_key, run_calls.is_seen, shares.serving_feature_id,
    coalesce(shares.model, 'unknown'), shares.prompt_version
