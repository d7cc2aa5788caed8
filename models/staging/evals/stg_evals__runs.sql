with landed as (

    select * from {{ source('landed', 'eval_runs') }}
    where item_id is null

),

-- An export may repeat a run: the file that landed last has its final numbers.
exported_runs as (

    {% call first_rows(
        partition_by="landed.run_id, landed.suite",
        order_by="files.landing_no desc, landed.source_line desc"
    ) %}
        select landed.*
        from landed
        inner join {{ source('landed', 'files') }} as files on landed.file_id = files.file_id
    {% endcall %}

),

scores as (

    select * from {{ ref('stg_evals__scores') }}

),

score_trace_keys as (

    select
        run_id,
        suite,
        {{ each_of('trace_keys') }} as trace_key
    from scores

),

-- The traces of judges and of experiments are evaluation. Production that was scored stays production.
score_traces as (

    select
        run_id,
        suite,
        {{ collected('trace_key') }} as trace_keys
    from score_trace_keys
    group by run_id, suite

),

score_sums as (

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

),

runs as (

    select
        tool,
        run_id,
        suite,
        {{ unreserved('feature_id', 'feature') }} as feature_id,
        started_at,
        ended_at,
        provider,
        {{ bare_model('model', 'provider') }} as model_name,
        prompt_version,
        cases,
        passed,
        failed,
        errored,
        cost_usd,
        trace_keys,
        {{ words_of('response_ids') }} as response_ids,
        coalesce(lower(status), 'success') as status,
        coalesce(is_online, false) as is_online,
        false as is_scores,
        usage
    from exported_runs

    union all

    -- Scores that no exported run counts already add up to runs of their own.
    select
        sums.tool,
        sums.run_id,
        sums.suite,
        sums.feature_id,
        sums.started_at,
        sums.ended_at,
        null as provider,
        null as model_name,
        null as prompt_version,
        sums.cases,
        sums.passed,
        sums.failed,
        sums.errored,
        null as cost_usd,
        score_traces.trace_keys,
        sums.response_ids,
        'success' as status,
        sums.is_online,
        true as is_scores,
        null as usage
    from score_sums as sums
    left join exported_runs on sums.run_id = exported_runs.run_id and sums.suite = exported_runs.suite
    left join score_traces on sums.run_id = score_traces.run_id and sums.suite = score_traces.suite
    where exported_runs.run_id is null

),

requirements as (

    select
        requirements.suite,
        requirements.feature_id,
        requirements.valid_from,
        requirements.valid_to,
        coalesce(chains.newest_feature_id, requirements.feature_id) as newest_feature_id,
        coalesce(chains.steps, 0) as steps
    from {{ ref('eval_requirements') }} as requirements
    left join {{ ref('stg_catalog__feature_chains') }} as chains on requirements.feature_id = chains.feature_id

),

-- A suite required by exactly one feature is attributed to it. Not for online scoring, which covers all production
-- traffic.
suites_of_one_feature as (

    select suite
    from requirements
    group by suite
    having count(distinct newest_feature_id) = 1

),

-- A run of a renamed feature is posted under the id that was valid on its day.
attributed_runs as (

    {% set catalogued = "case when catalog.feature_id is not null then 0 else 1 end" %}
    {% set in_time = "case when " ~ in_force('requirements', 'cast(runs.started_at as date)') ~ " then 0 else 1 end" %}
    {% call first_rows(
        partition_by="runs.run_id, runs.suite",
        order_by=[catalogued, in_time, "requirements.steps desc", "requirements.feature_id"]
    ) %}
        select
            runs.run_id,
            runs.suite,
            requirements.feature_id
        from runs
        inner join suites_of_one_feature on runs.suite = suites_of_one_feature.suite
        inner join requirements on runs.suite = requirements.suite
        left join {{ ref('feature_catalog') }} as catalog
            on
                requirements.feature_id = catalog.feature_id
                and {{ in_force('catalog', 'cast(runs.started_at as date)') }}
        where not runs.is_online
    {% endcall %}

)

select
    runs.tool,
    runs.run_id,
    runs.suite,
    coalesce(runs.feature_id, attributed_runs.feature_id) as feature_id,
    case when runs.feature_id is not null then 'stated' when attributed_runs.feature_id is not null then 'suite' end
        as feature_rule,
    runs.started_at,
    cast(runs.started_at as date) as started_on,
    case when runs.ended_at >= runs.started_at then runs.ended_at end as ended_at,
    lower(runs.provider) as provider,
    runs.model_name,
    runs.prompt_version,
    runs.cases,
    runs.passed,
    runs.failed,
    runs.errored,
    cast(runs.cost_usd as decimal(38, 12)) as stated_usd,
    runs.trace_keys,
    runs.response_ids,
    runs.status,
    -- A run that was cancelled or errored costs money but proves nothing.
    runs.status in ('success', 'succeeded', 'complete', 'completed', 'passed', 'ok', 'done', 'finished') as is_finished,
    runs.status in ('failed', 'failure', 'fail') as is_failed,
    runs.is_online,
    runs.is_scores,
    runs.usage
from runs
left join attributed_runs on runs.run_id = attributed_runs.run_id and runs.suite = attributed_runs.suite
