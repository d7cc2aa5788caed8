-- Runs of OpenAI's evals API and their output items. A run has its counts and the tokens of all its models; items alone are
-- added up, and stand back where their run is there.
, records as (

    select
        file_no,
        source_line,
        unnest(flatten(list_transform(held, lambda record: case
            when json_type(record, '$.data') = 'ARRAY' then json_extract(record, '$.data[*]')
            else [record]
        end))) as record
    from files

),

used as (

    select
        *,
        record ->> '$.model' as model,
        list_transform(json_extract(record, '$.per_model_usage[*]'), lambda used: {
            'role': case when (used ->> '$.model_name') = (record ->> '$.model')
                or starts_with(used ->> '$.model_name', (record ->> '$.model') || '-20') then 'target' else 'grader' end,
            'provider': 'openai',
            'model': used ->> '$.model_name',
            'requests': used ->> '$.invocation_count',
            'input_tokens': used ->> '$.prompt_tokens',
            'cache_read_tokens': used ->> '$.cached_tokens',
            'output_tokens': used ->> '$.completion_tokens',
            'total_tokens': used ->> '$.total_tokens'
        }) as usage
    from records
    where (record ->> '$.object') = 'eval.run'

)

select
    file_no,
    source_line,
    cast(json_object(
        'tool', 'openai_evals',
        'run_id', record ->> '$.id',
        'feature_id', feature_of(record -> '$.metadata'),
        'suite', record ->> '$.eval_id',
        'started_at', record ->> '$.created_at',
        'provider', 'openai',
        'model', model,
        'prompt_version', record ->> '$.metadata.prompt_version',
        'status', record ->> '$.status',
        'cases', record ->> '$.result_counts.total',
        'passed', coalesce(record ->> '$.result_counts.passed', '0'),
        'failed', coalesce(record ->> '$.result_counts.failed', '0'),
        'errored', coalesce(record ->> '$.result_counts.errored', '0'),
        'usage', case when len(usage) > 0 then cast(to_json(usage) as varchar) end
    ) as varchar) as document
from used

union all

select
    file_no,
    source_line,
    cast(json_object(
        'tool', 'openai_evals',
        'run_id', record ->> '$.run_id',
        'item_id', record ->> '$.id',
        'suite', record ->> '$.eval_id',
        'started_at', record ->> '$.created_at',
        'provider', 'openai',
        'status', 'success',
        'cases', 1,
        'passed', cast(lower(record ->> '$.status') in ('pass', 'passed') as integer),
        'failed', cast(lower(record ->> '$.status') in ('fail', 'failed') as integer),
        'errored', cast(lower(record ->> '$.status') in ('error', 'errored') as integer),
        'usage', case when json_exists(record, '$.sample.usage.total_tokens') then cast(to_json([{
            'role': 'target',
            'provider': 'openai',
            'model': record ->> '$.sample.model',
            'requests': '1',
            'input_tokens': record ->> '$.sample.usage.prompt_tokens',
            'cache_read_tokens': record ->> '$.sample.usage.cached_tokens',
            'output_tokens': record ->> '$.sample.usage.completion_tokens',
            'total_tokens': record ->> '$.sample.usage.total_tokens'
        }]) as varchar) end
    ) as varchar) as document
from records
where (record ->> '$.object') = 'eval.run.output_item'
