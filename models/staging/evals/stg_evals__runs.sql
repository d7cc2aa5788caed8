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
required as (

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

suites as (

    select suite
    from required
    group by suite
    having count(distinct newest_feature_id) = 1

),

-- A run of a renamed feature is posted under the id of its day.
attributed as (

    {% set catalogued = "case when catalog.feature_id is not null then 0 else 1 end" %}
    {% set in_time = "case when " ~ in_force('required', 'cast(runs.started_at as date)') ~ " then 0 else 1 end" %}
    {% call first_rows(
        partition_by="runs.run_id, runs.suite",
        order_by=[catalogued, in_time, "required.steps desc", "required.feature_id"]
    ) %}
        select
            runs.run_id,
            runs.suite,
            required.feature_id
        from runs
        inner join suites on runs.suite = suites.suite
        inner join required on suites.suite = required.suite
        left join {{ ref('feature_catalog') }} as catalog
            on
                required.feature_id = catalog.feature_id
                and {{ in_force('catalog', 'cast(runs.started_at as date)') }}
        where not runs.is_online
    {% endcall %}

)

select
    runs.tool,
    runs.run_id,
    runs.suite,
    coalesce(runs.feature_id, attributed.feature_id) as feature_id,
    case when runs.feature_id is not null then 'stated' when attributed.feature_id is not null then 'suite' end
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
left join attributed on runs.run_id = attributed.run_id and runs.suite = attributed.suite
