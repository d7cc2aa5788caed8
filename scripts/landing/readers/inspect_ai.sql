-- inspect_ai logs, after logs.py has cut them down: a log is a run of one task on one model.
with logs as (

    select
        file_no,
        source_line,
        document,
        document -> '$.eval' as evaluated,
        document ->> '$.eval.model' as model,
        coalesce(len(json_keys(document, '$.stats.model_usage')), 0) > 0 as has_usage
    from documents

),

samples as (

    select
        *,
        unnest(json_extract(document, '$.samples[*]')) as sample
    from logs

),

judged as (

    select
        file_no,
        source_line,
        json_extract_string(sample, '$.calls[*].response_id') as response_ids,
        coalesce((sample ->> '$.error') = 'true', false) as is_errored,
        list_transform(json_extract_string(sample, '$.scores.*.value'), lambda score: verdict_of(score)) as verdicts
    from samples

),

-- A sample passes where no scorer that judges it says otherwise.
counted as (

    select
        file_no,
        source_line,
        count(*) as samples,
        count(*) filter (where not is_errored and list_contains(verdicts, true) and not list_contains(verdicts, false))
            as passed,
        count(*) filter (where not is_errored and list_contains(verdicts, false)) as failed,
        count(*) filter (where is_errored) as errored,
        array_to_string(list_sort(flatten(list(response_ids))), ' ') as response_ids
    from judged
    group by file_no, source_line

),

-- The log's own statistics count what this run spent; samples may come from an earlier try of it.
uses as (

    select
        file_no,
        source_line,
        model as run_model,
        unnest(json_keys(document, '$.stats.model_usage')) as model,
        unnest(json_extract(document, '$.stats.model_usage.*')) as used
    from logs

    union all

    select
        file_no,
        source_line,
        model as run_model,
        unnest(json_keys(sample, '$.model_usage')) as model,
        unnest(json_extract(sample, '$.model_usage.*')) as used
    from samples
    where not has_usage

),

calls as (

    select
        file_no,
        source_line,
        model as run_model,
        unnest(json_extract(sample, '$.calls[*]')) as call
    from samples

),

requests as (

    select
        file_no,
        source_line,
        case
            when call ->> '$.model' is distinct from run_model or (call ->> '$.is_grading') = 'true' then 'grader'
            else 'target'
        end as role,
        call ->> '$.model' as model,
        count(*) as requests
    from calls
    group by all

),

-- What a model used to grade its own answers: by its role, where the log counts roles, else once scoring had begun.
roles as (

    select
        file_no,
        source_line,
        model as run_model,
        evaluated,
        unnest(json_keys(document, '$.stats.role_usage')) as role,
        unnest(json_extract(document, '$.stats.role_usage.*')) as used
    from logs

),

graded as (

    select
        file_no,
        source_line,
        run_model,
        used
    from roles
    where
        lower(role) not in ('default', 'target', 'model', 'solver')
        and coalesce(json_extract_string(evaluated, '$.model_roles."' || role || '".model'), run_model) = run_model

    union all

    select
        file_no,
        source_line,
        run_model,
        call -> '$.usage' as used
    from calls
    anti join roles using (file_no, source_line)
    where (call ->> '$.is_grading') = 'true' and call ->> '$.model' = run_model and json_exists(call, '$.usage')

),

-- A log that goes on from another counts its own use alone, but has the other's samples: no more is told apart than it counts.
graded_within as (

    select
        file_no,
        source_line
    from (
        select *, 1 as side from uses where model = run_model
        union all
        select file_no, source_line, run_model, run_model, used, -1 as side from graded
    )
    group by file_no, source_line
    having
        coalesce(sum(side * number_of(used ->> '$.input_tokens')), 0) >= 0
        and coalesce(sum(side * number_of(used ->> '$.output_tokens')), 0) >= 0

),

told_apart as (

    select
        file_no,
        source_line,
        case when model is distinct from run_model then 'grader' else 'target' end as role,
        model,
        used,
        '' as sign
    from uses

    union all

    select
        file_no,
        source_line,
        unnest(['grader', 'target']) as role,
        run_model as model,
        used,
        unnest(['', '-']) as sign
    from graded
    semi join graded_within using (file_no, source_line)

),

summed_uses as (

    select
        file_no,
        source_line,
        role,
        model,
        summed(sign || (used ->> '$.input_tokens')) as input_tokens,
        summed(sign || (used ->> '$.input_tokens_cache_read')) as cache_read_tokens,
        summed(sign || (used ->> '$.input_tokens_cache_write')) as cache_write_tokens,
        summed(sign || (used ->> '$.output_tokens')) as output_tokens,
        summed(sign || (used ->> '$.reasoning_tokens')) as reasoning_tokens,
        summed(sign || (used ->> '$.total_tokens')) as total_tokens,
        summed(sign || (used ->> '$.total_cost')) as cost_usd
    from told_apart
    group by file_no, source_line, role, model

),

listed as (

    select
        file_no,
        source_line,
        summed(cost_usd) as cost_usd,
        cast(to_json(list({
            'role': role,
            'provider': provider_of(model),
            'model': model,
            'requests': requests,
            'input_tokens': input_tokens,
            'cache_read_tokens': cache_read_tokens,
            'cache_write_tokens': cache_write_tokens,
            'output_tokens': output_tokens,
            'reasoning_tokens': reasoning_tokens,
            'total_tokens': total_tokens,
            'cost_usd': cost_usd
        } order by role desc, model)) as varchar) as usage
    from summed_uses
    left join requests using (file_no, source_line, role, model)
    group by file_no, source_line

),

-- A log without samples has its scorer's accuracy alone, a share of what was scored.
shares as (

    select
        file_no,
        source_line,
        coalesce(
            document ->> '$.results.scores[0].scored_samples', document ->> '$.results.completed_samples',
            document ->> '$.results.total_samples'
        ) as scored,
        number_of(document ->> '$.results.scores[0].metrics.accuracy.value') as accuracy
    from logs

),

totals as (

    select
        file_no,
        source_line,
        cast(round(number_of(scored) * accuracy) as bigint) as passed,
        cast(number_of(scored) as bigint) as scored
    from shares
    where accuracy between 0 and 1

)

select
    logs.file_no,
    logs.source_line,
    cast(json_object(
        'tool', 'inspect_ai',
        -- One start of inspect_ai may run several tasks and models under one run id.
        'run_id', coalesce(evaluated ->> '$.eval_id', concat_ws(':', evaluated ->> '$.run_id', evaluated ->> '$.task_id')),
        'feature_id', coalesce(
            feature_of(evaluated -> '$.metadata'),
            feature_of(evaluated -> '$.task_args'),
            feature_of_tags(json_extract_string(evaluated, '$.tags[*]'))
        ),
        'suite', evaluated ->> '$.task',
        'started_at', coalesce(evaluated ->> '$.created', document ->> '$.stats.started_at'),
        'ended_at', document ->> '$.stats.completed_at',
        'provider', provider_of(logs.model),
        'model', logs.model,
        'prompt_version', coalesce(
            evaluated ->> '$.metadata.prompt_version', evaluated ->> '$.task_args.prompt_version'
        ),
        'status', coalesce(document ->> '$.status', 'started'),
        'cases', coalesce(document ->> '$.results.total_samples', cast(coalesce(counted.samples, 0) as varchar)),
        'passed', coalesce(counted.passed, totals.passed, 0),
        'failed', coalesce(counted.failed, totals.scored - totals.passed, 0),
        'errored', coalesce(counted.errored, 0),
        'cost_usd', listed.cost_usd,
        'response_ids', counted.response_ids,
        'usage', listed.usage
    ) as varchar) as document
from logs
left join counted using (file_no, source_line)
left join listed using (file_no, source_line)
left join totals using (file_no, source_line)
