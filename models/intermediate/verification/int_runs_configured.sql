-- one row per eval run, suite and configuration that the run speaks for; NULL prompt or model speaks for any
with runs as (

    select
        *,
        cast(passed as double) / nullif(passed + failed + errored, 0) as pass_rate
    from {{ ref('stg_evals__runs') }}

),

-- A run that names its traces evaluated what ran in them.
seen as (

    select distinct
        runs.run_id,
        runs.suite,
        shares.model,
        shares.prompt_version
    from (select
        run_id,
        suite,
        {{ each_of('trace_keys') }} as trace_key
    from runs) as runs
    inner join {{ ref('int_call_shares') }} as shares on runs.trace_key = shares.trace_key

)

select
    runs.run_id,
    runs.feature_id,
    runs.suite,
    runs.started_at,
    runs.started_on,
    runs.pass_rate,
    runs.is_finished,
    case when seen.run_id is not null then seen.model else runs.model_name end as model,
    -- Traces that know no prompt version ran the one that the run states.
    coalesce(seen.prompt_version, runs.prompt_version) as prompt_version
from runs
left join seen on runs.run_id = seen.run_id and runs.suite = seen.suite
