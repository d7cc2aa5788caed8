-- The end of the reader of inspect_ai logs: a row for each.
, summed_uses as (

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
