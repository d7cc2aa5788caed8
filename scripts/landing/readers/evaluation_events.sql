, named as (

    select
        *,
        value_in(pairs, 'gen_ai.evaluation.name') as suite,
        value_in(pairs, 'gen_ai.response.id') as response_id,
        coalesce(
            value_in(pairs, 'gen_ai.evaluation.run.id'), value_in(pairs, 'langfuse.experiment.id'),
            value_in(pairs, 'langfuse.experiment.name'), value_in(around, 'langfuse.experiment.id'),
            value_in(around, 'langfuse.experiment.name')
        ) as experiment,
        coalesce(
            value_in(around, 'deployment.environment.name'), value_in(around, 'deployment.environment'),
            value_in(around, 'langfuse.environment')
        ) as environment,
        value_in(pairs, 'error.type') is not null as is_errored,
        coalesce(
            verdict_of(value_in(pairs, 'gen_ai.evaluation.score.label')),
            verdict_of(value_in(pairs, 'gen_ai.evaluation.score.value'))
        ) as verdict
    from told

)

select
    file_no,
    source_line,
    cast(json_object(
        'tool', 'otel',
        'run_id', coalesce(experiment, online_run(environment, time_of(stated_time, 'ns'))),
        -- The same event sent again is the same score.
        'item_id', md5(concat_ws(':', id_of(trace_id, 16), id_of(span_id, 8), response_id, suite, stated_time)),
        'feature_id', list_filter(
            list_transform(getvariable('feature_names'), lambda name: value_in(pairs, name)),
            lambda feature: feature is not null
        )[1],
        'suite', suite,
        'started_at', cast(time_of(stated_time, 'ns') as varchar),
        'status', 'success',
        'cases', 1,
        'passed', cast(not is_errored and verdict is not distinct from true as integer),
        'failed', cast(not is_errored and verdict is not distinct from false as integer),
        'errored', cast(is_errored as integer),
        'is_online', experiment is null,
        'trace_id', trace_id,
        'trace_ids', case when experiment is not null then nullif(trace_id, '') end,
        'span_id', span_id,
        'response_ids', response_id
    ) as varchar) as document
from named
