-- Logs of `oaieval`: a line that says what runs, a line an event, a line with the final report.
, lines as (

    select
        file_no,
        source_line,
        unnest(held) as line
    from files

),

specs as (

    select
        file_no,
        source_line,
        line -> '$.spec' as spec,
        line ->> '$.spec.run_id' as run_id,
        coalesce(line ->> '$.spec.completion_fns[0]', line ->> '$.spec.model_name') as model
    from lines
    where json_exists(line, '$.spec')

),

reports as (

    select
        file_no,
        source_line,
        coalesce(line ->> '$.run_id', min(specs.run_id)) as run_id,
        max(number_of(line ->> '$.final_report.accuracy')) as accuracy
    from lines
    inner join specs using (file_no, source_line)
    where json_exists(line, '$.final_report')
    group by file_no, source_line, line ->> '$.run_id'

),

events as (

    select
        *,
        line ->> '$.run_id' as run_id,
        line ->> '$.type' as kind,
        line ->> '$.sample_id' as sample_id
    from lines
    where json_exists(line, '$.type')

),

results as (

    select
        file_no,
        source_line,
        run_id,
        sample_id,
        result_of(
            flatten(list(case
                when kind = 'match' then [verdict_of(line ->> '$.data.correct')]
                when kind = 'metrics' then list_transform(
                    ['$.data.correct', '$.data.passed', '$.data.accuracy', '$.data.score'],
                    lambda name: verdict_of(json_extract_string(line, name))
                )
            end)),
            bool_or(kind = 'error')
        ) as result
    from events
    where sample_id is not null
    group by file_no, source_line, run_id, sample_id

),

counted as (

    select
        file_no,
        source_line,
        run_id,
        count(*) as cases,
        count(*) filter (where result = 'passed') as passed,
        count(*) filter (where result = 'failed') as failed,
        count(*) filter (where result = 'errored') as errored
    from results
    group by file_no, source_line, run_id

),

uses as (

    select
        events.file_no,
        events.source_line,
        events.run_id,
        case when coalesce(line ->> '$.data.model', specs.model) = specs.model
            or starts_with(line ->> '$.data.model', specs.model || '-') then 'target' else 'grader' end as role,
        coalesce(line ->> '$.data.model', specs.model) as model,
        cast(count(*) as varchar) as requests,
        summed(line ->> '$.data.usage.prompt_tokens') as input_tokens,
        summed(line ->> '$.data.usage.completion_tokens') as output_tokens,
        summed(line ->> '$.data.usage.total_tokens') as total_tokens
    from events
    inner join specs using (file_no, source_line, run_id)
    where kind = 'sampling' and json_exists(line, '$.data.usage.total_tokens')
    group by all

),

listed as (

    select
        file_no,
        source_line,
        run_id,
        cast(to_json(list({
            'role': role,
            'provider': provider_of(model_of(model)),
            'model': model_of(model),
            'requests': requests,
            'input_tokens': input_tokens,
            'output_tokens': output_tokens,
            'total_tokens': total_tokens
        } order by role desc, model)) as varchar) as usage
    from uses
    group by file_no, source_line, run_id

)

select
    specs.file_no,
    specs.source_line,
    cast(json_object(
        'tool', 'oaieval',
        'run_id', specs.run_id,
        'feature_id', feature_of(spec -> '$.run_config'),
        'suite', coalesce(spec ->> '$.eval_name', spec ->> '$.base_eval'),
        'started_at', spec ->> '$.created_at',
        'provider', provider_of(model_of(specs.model)),
        'model', model_of(specs.model),
        'status', case when reports.run_id is null then 'started' else 'success' end,
        'cases', coalesce(cases, 0),
        'passed', coalesce(nullif(passed + failed, 0) - failed, cast(round(reports.accuracy * cases) as bigint), 0),
        'failed', coalesce(
            nullif(passed + failed, 0) - passed, cases - cast(round(reports.accuracy * cases) as bigint), 0
        ),
        'errored', coalesce(errored, 0),
        'usage', listed.usage
    ) as varchar) as document
from specs
left join counted using (file_no, source_line, run_id)
left join listed using (file_no, source_line, run_id)
left join reports using (file_no, source_line, run_id)
