-- Results of Ragas: a row for each sample, a column for each metric. Metrics of which less is better, or on a scale of
-- their own, judge nothing.
, samples as (

    select
        * exclude (held),
        unnest(held) as sample
    from files

),

told as (

    select
        *,
        cells_of(sample) as cells
    from samples

),

judged as (

    select
        file_no,
        source_line,
        file_id,
        source_file,
        coalesce(cell_at(cells, ['run_id', 'experiment', 'experiment_name']), 'ragas:' || file_id) as run_id,
        coalesce(cell_at(cells, ['suite', 'dataset', 'dataset_name']), 'ragas') as suite,
        cell_at(cells, ['started_at', 'timestamp', 'created_at', 'date']) as started_at,
        cells['model'] as model,
        cells['prompt_version'] as prompt_version,
        feature_of(sample) as feature_id,
        result_of(list_transform(
            list_filter(map_keys(cells), lambda name: regexp_matches(name, ragas_metrics())),
            lambda name: verdict_of(cells[name])
        ), text_of(cells['error']) is not null) as result
    from told

)

select
    file_no,
    source_line,
    cast(json_object(
        'tool', 'ragas',
        'run_id', run_id,
        'feature_id', feature_id,
        'suite', suite,
        'started_at', coalesce(min(started_at), time_in_name(any_value(source_file))),
        'provider', provider_of(model),
        'model', model,
        'prompt_version', prompt_version,
        'status', 'success',
        'cases', count(*),
        'passed', count(*) filter (where result = 'passed'),
        'failed', count(*) filter (where result = 'failed'),
        'errored', count(*) filter (where result = 'errored')
    ) as varchar) as document
from judged
group by file_no, source_line, run_id, suite, feature_id, model, prompt_version
