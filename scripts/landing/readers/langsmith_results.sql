-- LangSmith's experiments: rows of `to_pandas` with a column for each feedback, or examples with their runs.
, rows_held as (

    select
        * exclude (held),
        unnest(held) as example
    from files

),

examples as (

    select
        *,
        cells_of(example) as cells,
        cast(null as json) as run
    from rows_held
    where json_type(example, '$.runs') is distinct from 'ARRAY'

    union all

    select
        *,
        cells_of(example) as cells,
        unnest(json_extract(example, '$.runs[*]')) as run
    from rows_held
    where json_type(example, '$.runs') = 'ARRAY'

),

judged as (

    select
        file_no,
        source_line,
        source_file,
        coalesce(
            run ->> '$.session_id', cell_at(cells, ['experiment', 'experiment_name', 'session_name', 'session_id', 'project_name']),
            'langsmith:' || file_id
        ) as run_id,
        coalesce(cell_at(cells, ['suite', 'dataset', 'dataset_name', 'dataset_id']), 'langsmith') as suite,
        coalesce(feature_of(run -> '$.extra.metadata'), feature_of(example -> '$.metadata'), feature_of(example))
            as feature_id,
        coalesce(run ->> '$.extra.metadata.ls_model_name', cells['model']) as model,
        coalesce(run ->> '$.extra.metadata.prompt_version', cells['prompt_version']) as prompt_version,
        coalesce(
            run ->> '$.start_time', cell_at(cells, ['start_time', 'started_at', 'created_at']), time_in_id(cells['id'])
        ) as started_at,
        coalesce(run ->> '$.end_time', cells['end_time']) as ended_at,
        run ->> '$.trace_id' as trace_id,
        run ->> '$.prompt_tokens' as input_tokens,
        run ->> '$.completion_tokens' as output_tokens,
        run ->> '$.total_tokens' as total_tokens,
        run ->> '$.total_cost' as cost_usd,
        result_of(
            case
                when run is not null then list_transform(
                    json_extract(run, '$.feedback_stats.*'),
                    lambda stats: verdict_of(coalesce(stats ->> '$.avg', stats ->> '$.value'))
                )
                else list_transform(
                    list_filter(map_keys(cells), lambda name: starts_with(name, 'feedback.')),
                    lambda name: verdict_of(cells[name])
                )
            end,
            coalesce(text_of(run ->> '$.error'), cells['error']) is not null
        ) as result
    from examples

)

select
    file_no,
    source_line,
    cast(json_object(
        'tool', 'langsmith',
        'run_id', run_id,
        'feature_id', feature_id,
        'suite', suite,
        'started_at', coalesce(min(started_at), time_in_name(any_value(source_file))),
        'ended_at', max(ended_at),
        'provider', provider_of(model),
        'model', model,
        'prompt_version', prompt_version,
        'status', 'success',
        'cases', count(*),
        'passed', count(*) filter (where result = 'passed'),
        'failed', count(*) filter (where result = 'failed'),
        'errored', count(*) filter (where result = 'errored'),
        'cost_usd', summed(cost_usd),
        'trace_ids', string_agg(distinct trace_id, ' ' order by trace_id),
        'usage', case when count(coalesce(input_tokens, output_tokens, total_tokens)) > 0 then cast(to_json([{
            'role': 'target',
            'provider': provider_of(model),
            'model': model,
            'requests': cast(null as varchar),
            'input_tokens': summed(input_tokens),
            'output_tokens': summed(output_tokens),
            'total_tokens': summed(total_tokens)
        }]) as varchar) end
    ) as varchar) as document
from judged
group by file_no, source_line, run_id, suite, feature_id, model, prompt_version
