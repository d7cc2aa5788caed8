-- The end of the reader of promptfoo results: a row for each run.
, runs as (

    select
        measured.*,
        outputs.eval_id,
        outputs.started_at,
        outputs.config,
        model_of(coalesce(measured.provider, measured.prompt ->> '$.provider')) as model,
        coalesce(
            config ->> '$.defaultTest.options.provider.id', config ->> '$.defaultTest.options.provider.text.id',
            config ->> '$.defaultTest.options.provider.text', config ->> '$.defaultTest.options.provider'
        ) as grader,
        measured.prompt ->> '$.label' as label,
        count(*) over (partition by measured.file_no, measured.source_line, outputs.eval_id) as runs
    from measured
    inner join outputs using (file_no, source_line)

),

listed as (

    select
        runs.file_no,
        runs.source_line,
        runs.prompt_no,
        runs.feature_id,
        cast(to_json(list({
            'role': uses.role,
            'provider': provider_of(case uses.role when 'target' then runs.model else model_of(runs.grader) end),
            'model': case uses.role when 'target' then runs.model else model_of(runs.grader) end,
            'requests': uses.requests,
            'input_tokens': uses.input_tokens,
            'cache_read_tokens': uses.cache_read_tokens,
            'cache_write_tokens': uses.cache_write_tokens,
            'output_tokens': uses.output_tokens,
            'reasoning_tokens': uses.reasoning_tokens,
            'total_tokens': uses.total_tokens
        } order by uses.role desc)) as varchar) as usage
    from runs
    inner join summed_uses as uses
        on
            runs.file_no = uses.file_no
            and runs.source_line = uses.source_line
            and runs.prompt_no = uses.prompt_no
            and runs.feature_id is not distinct from uses.feature_id
    group by runs.file_no, runs.source_line, runs.prompt_no, runs.feature_id

)

select
    runs.file_no,
    runs.source_line,
    cast(json_object(
        'tool', 'promptfoo',
        'run_id', concat_ws(
            ':', eval_id, case when runs > 1 then runs.prompt_no end, case when features > 1 then runs.feature_id end
        ),
        'feature_id', coalesce(
            runs.feature_id,
            feature_of(config -> '$.metadata'),
            feature_of(config -> '$.tags'),
            feature_of(config -> '$.defaultTest.metadata'),
            feature_of(config -> '$.defaultTest.vars')
        ),
        'suite', coalesce(
            config ->> '$.tags.suite', config ->> '$.metadata.suite', config ->> '$.description', 'promptfoo'
        ),
        'started_at', started_at,
        'provider', provider_of(model),
        'model', model,
        -- A label is the prompt itself unless somebody named it: a name has no blanks.
        'prompt_version', coalesce(
            config ->> '$.tags.prompt_version', config ->> '$.metadata.prompt_version',
            case when regexp_full_match(label, '[\w.@/:-]{1,64}') and label <> coalesce(prompt ->> '$.raw', '') then label end
        ),
        'status', 'success',
        'cases', case
            when features > 1 or metrics is null then cast(cases as varchar)
            else coalesce(
                cast(cast(number_of(metrics ->> '$.testPassCount') + number_of(metrics ->> '$.testFailCount')
                    + coalesce(number_of(metrics ->> '$.testErrorCount'), 0) as bigint) as varchar),
                cast(cases as varchar)
            )
        end,
        'passed', case when features > 1 then cast(passed as varchar)
            else coalesce(metrics ->> '$.testPassCount', cast(coalesce(passed, 0) as varchar)) end,
        'failed', case when features > 1 then cast(failed as varchar)
            else coalesce(metrics ->> '$.testFailCount', cast(coalesce(failed, 0) as varchar)) end,
        'errored', case when features > 1 then cast(errored as varchar)
            else coalesce(metrics ->> '$.testErrorCount', cast(coalesce(errored, 0) as varchar)) end,
        'cost_usd', coalesce(cost_usd, case
            when coalesce(number_of(metrics ->> '$.tokenUsage.prompt'), 0)
                + coalesce(number_of(metrics ->> '$.tokenUsage.completion'), 0) = 0
                and number_of(metrics ->> '$.tokenUsage.cached') > 0 then '0'
            else metrics ->> '$.cost'
        end),
        'usage', listed.usage
    ) as varchar) as document
from runs
left join listed
    on
        runs.file_no = listed.file_no
        and runs.source_line = listed.source_line
        and runs.prompt_no = listed.prompt_no
        and runs.feature_id is not distinct from listed.feature_id
