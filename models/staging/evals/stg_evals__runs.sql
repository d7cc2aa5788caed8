with landed as (

    select * from {{ source('landed', 'eval_runs') }}
    where item_id is null

),

-- A run exported again is the same run: the file that landed last has its final numbers.
whole as (

    {% call first_rows(
        partition_by="landed.run_id, landed.suite",
        order_by="files.landing_no desc, landed.source_line desc"
    ) %}
        select landed.*
        from landed
        inner join {{ source('landed', 'files') }} as files on landed.file_id = files.file_id
    {% endcall %}

),

runs as (

    select
        tool,
        run_id,
        suite,
        feature_id,
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
    from whole

    union all

    select
        summed.tool,
        summed.run_id,
        summed.suite,
        summed.feature_id,
        summed.started_at,
        summed.ended_at,
        null as provider,
        null as model_name,
        null as prompt_version,
        summed.cases,
        summed.passed,
        summed.failed,
        summed.errored,
        null as cost_usd,
        summed.trace_keys,
        summed.response_ids,
        'success' as status,
        summed.is_online,
        true as is_scores,
        null as usage
    from {{ ref('stg_evals__runs_scored') }} as summed
    left join whole on summed.run_id = whole.run_id and summed.suite = whole.suite
    where whole.run_id is null

),

-- What only one feature has to pass evaluates that feature, whoever ran it; production is scored whoever has to pass.
suites as (

    select
        suite,
        min(feature_id) as feature_id
    from {{ ref('eval_requirements') }}
    group by suite
    having count(distinct feature_id) = 1

)

select
    runs.tool,
    runs.run_id,
    runs.suite,
    coalesce(runs.feature_id, suites.feature_id) as feature_id,
    case when runs.feature_id is not null then 'stated' when suites.feature_id is not null then 'suite' end
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
    -- A run that was cancelled or broke costs money but proves nothing.
    runs.status in ('success', 'succeeded', 'complete', 'completed', 'passed', 'ok', 'done', 'finished') as is_finished,
    runs.status in ('failed', 'failure', 'fail') as is_failed,
    runs.is_online,
    runs.is_scores,
    runs.usage
from runs
left join suites on runs.suite = suites.suite and not runs.is_online
