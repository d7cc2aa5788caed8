-- DeepEval's test runs: each metric has a threshold of its own, and says whether it was met. What a run cost is what its
-- judges cost.
with test_runs as (

    select
        file_no,
        source_line,
        coalesce(document -> '$.testRunData', cast(document as json)) as run,
        getvariable('source_files')[file_no + 1] as source_file,
        left(getvariable('file_ids')[file_no + 1], 16) as file_id
    from documents

),

cases as (

    select
        file_no,
        source_line,
        unnest(list_concat(
            json_extract(run, '$.testCases[*]'), json_extract(run, '$.conversationalTestCases[*]')
        )) as test_case
    from test_runs

),

judged as (

    select
        file_no,
        source_line,
        test_case ->> '$.evaluationCost' as cost_usd,
        test_case ->> '$.success' as success,
        list_transform(json_extract(test_case, '$.metricsData[*]'), lambda metric: coalesce(
            verdict_of(metric ->> '$.success'),
            number_of(metric ->> '$.score') >= number_of(metric ->> '$.threshold')
        )) as verdicts,
        len(list_filter(
            json_extract_string(test_case, '$.metricsData[*].error'), lambda error: text_of(error) is not null
        )) > 0 as is_errored
    from cases

),

results as (

    select
        *,
        result_of(coalesce(nullif([verdict_of(success)], [null]), verdicts), is_errored) as result
    from judged

),

counted as (

    select
        file_no,
        source_line,
        count(*) as cases,
        count(*) filter (where result = 'passed') as passed,
        count(*) filter (where result = 'failed') as failed,
        count(*) filter (where result = 'errored') as errored,
        summed(cost_usd) as cost_usd
    from results
    group by file_no, source_line

)

select
    file_no,
    source_line,
    cast(json_object(
        'tool', 'deepeval',
        'run_id', coalesce(run ->> '$.testRunId', run ->> '$.runId', run ->> '$.id', 'deepeval:' || file_id),
        'feature_id', coalesce(feature_of(run -> '$.hyperparameters'), feature_of(run -> '$.metadata')),
        'suite', coalesce(
            run ->> '$.hyperparameters.suite', run ->> '$.datasetAlias', run ->> '$.testFile', run ->> '$.identifier',
            'deepeval'
        ),
        'started_at', coalesce(run ->> '$.createdAt', run ->> '$.startedAt', time_in_name(source_file)),
        'provider', provider_of(run ->> '$.hyperparameters.model'),
        'model', run ->> '$.hyperparameters.model',
        'prompt_version', coalesce(
            run ->> '$.hyperparameters.prompt_version', run ->> '$.hyperparameters."prompt version"'
        ),
        'status', 'success',
        'cases', coalesce(cases, 0),
        'passed', coalesce(passed, 0),
        'failed', coalesce(failed, 0),
        'errored', coalesce(errored, 0),
        'cost_usd', coalesce(run ->> '$.evaluationCost', counted.cost_usd)
    ) as varchar) as document
from test_runs
left join counted using (file_no, source_line)
