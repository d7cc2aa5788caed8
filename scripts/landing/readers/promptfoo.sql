-- promptfoo results, after logs.py has cut them down: an eval is a run for each prompt and provider, and for each
-- feature where its tests name several. An answer from promptfoo's own cache reached no provider.
with outputs as (

    select
        file_no,
        source_line,
        coalesce(
            document ->> '$.evalId', document ->> '$.id',
            'promptfoo:' || coalesce(document ->> '$.results.timestamp', document ->> '$.timestamp')
        ) as eval_id,
        coalesce(
            document ->> '$.results.timestamp', document ->> '$.timestamp', document ->> '$.metadata.evaluationCreatedAt',
            document ->> '$.createdAt',
            nullif(regexp_extract(document ->> '$.evalId', '\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d'), '')
        ) as started_at,
        document -> '$.config' as config,
        coalesce(
            document -> '$.results.prompts', document -> '$.results.table.head.prompts', document -> '$.table.head.prompts'
        ) as prompts,
        json_extract(document, '$.results.results[*]') as results,
        coalesce(
            nullif(json_extract(document, '$.results.table.body[*]'), []), json_extract(document, '$.table.body[*]')
        ) as body
    from documents

),

prompts as (

    select
        file_no,
        source_line,
        unnest(range(json_array_length(prompts))) as prompt_no,
        unnest(json_extract(prompts, '$[*]')) as prompt
    from outputs

),

-- Old versions number the prompts in their table alone.
cases as (

    select
        file_no,
        source_line,
        unnest(results) as outcome,
        cast(null as bigint) as column_no
    from outputs
    where json_exists(results[1], '$.promptIdx') or len(coalesce(body, [])) = 0

    union all

    select
        file_no,
        source_line,
        unnest(json_extract(table_row, '$.outputs[*]')) as outcome,
        unnest(range(json_array_length(table_row, '$.outputs'))) as column_no
    from (
        select
            file_no,
            source_line,
            unnest(body) as table_row
        from outputs
        where not coalesce(json_exists(results[1], '$.promptIdx'), false)
    )

),

told as (

    select
        file_no,
        source_line,
        outcome,
        coalesce(try_cast(outcome ->> '$.promptIdx' as bigint), column_no, 0) as prompt_no,
        coalesce(outcome ->> '$.success', outcome ->> '$.pass') as passed,
        coalesce(outcome -> '$.response.tokenUsage', outcome -> '$.tokenUsage') as used,
        outcome -> '$.gradingResult.tokensUsed' as graded,
        coalesce(
            feature_of(outcome -> '$.vars'), feature_of(outcome -> '$.metadata'), feature_of(outcome -> '$.testCase.metadata'),
            feature_of(outcome -> '$.testCase.vars')
        ) as feature_id
    from cases

),

weighed as (

    select
        *,
        coalesce((outcome ->> '$.response.cached') = 'true', false)
        or (coalesce(number_of(used ->> '$.cached'), 0) > 0
            and coalesce(number_of(used ->> '$.prompt'), 0) + coalesce(number_of(used ->> '$.completion'), 0) = 0)
            as is_cached,
        case
            when passed = 'true' then 'passed'
            when outcome ->> '$.failureReason' = '2' then 'errored'
            -- Older files have a text under `error` for a failed assertion too, which was graded.
            when outcome ->> '$.failureReason' is null and (outcome ->> '$.error') = 'true'
                and not json_exists(outcome, '$.gradingResult') then 'errored'
            else 'failed'
        end as result
    from told

),

counted as (

    select
        file_no,
        source_line,
        prompt_no,
        feature_id,
        any_value(outcome ->> '$.provider') as provider,
        count(*) as cases,
        count(*) filter (where result = 'passed') as passed,
        count(*) filter (where result = 'failed') as failed,
        count(*) filter (where result = 'errored') as errored,
        summed(case when is_cached then '0' else coalesce(outcome ->> '$.cost', outcome ->> '$.response.cost') end)
            as cost_usd
    from weighed
    group by file_no, source_line, prompt_no, feature_id

),

prompts_counted as (

    select
        file_no,
        source_line,
        prompt_no,
        count(*) as features,
        min(feature_id) as feature_id
    from counted
    group by file_no, source_line, prompt_no

),

measured as (

    select
        coalesce(prompts.file_no, counted.file_no) as file_no,
        coalesce(prompts.source_line, counted.source_line) as source_line,
        coalesce(prompts.prompt_no, counted.prompt_no) as prompt_no,
        prompts_counted.features,
        prompts_counted.feature_id is not distinct from counted.feature_id as is_first,
        prompts.prompt,
        prompts.prompt -> '$.metrics' as metrics,
        counted.* exclude (file_no, source_line, prompt_no)
    from prompts
    full outer join counted
        on
            prompts.file_no = counted.file_no
            and prompts.source_line = counted.source_line
            and prompts.prompt_no = counted.prompt_no
    left join prompts_counted
        on
            counted.file_no = prompts_counted.file_no
            and counted.source_line = prompts_counted.source_line
            and counted.prompt_no = prompts_counted.prompt_no

),

-- What results count themselves stands before the prompt's totals, which may hold what the cache answered.
counts as (

    select
        file_no,
        source_line,
        prompt_no,
        feature_id,
        unnest(['target', 'grader']) as role,
        unnest([case when not is_cached then used end, graded]) as used,
        unnest([used is not null, coalesce(number_of(graded ->> '$.total'), 0) > 0]) as is_known
    from weighed

),

roles_known as (

    select
        file_no,
        source_line,
        prompt_no,
        role
    from counts
    where is_known
    group by file_no, source_line, prompt_no, role

),

totals as (

    select
        file_no,
        source_line,
        prompt_no,
        feature_id,
        unnest(['target', 'grader']) as role,
        unnest([metrics -> '$.tokenUsage', metrics -> '$.tokenUsage.assertions']) as used
    from measured
    where is_first

),

uses as (

    select
        file_no,
        source_line,
        prompt_no,
        feature_id,
        role,
        used
    from counts
    where used is not null

    union all

    select totals.* from totals
    anti join roles_known
        on
            totals.file_no = roles_known.file_no
            and totals.source_line = roles_known.source_line
            and totals.prompt_no = roles_known.prompt_no
            and totals.role = roles_known.role

),

summed_uses as (

    select
        file_no,
        source_line,
        prompt_no,
        feature_id,
        role,
        summed(used ->> '$.numRequests') as requests,
        summed(used ->> '$.prompt') as input_tokens,
        summed(used ->> '$.completion') as output_tokens,
        summed(used ->> '$.completionDetails.cacheReadInputTokens') as cache_read_tokens,
        summed(used ->> '$.completionDetails.cacheCreationInputTokens') as cache_write_tokens,
        summed(used ->> '$.completionDetails.reasoning') as reasoning_tokens,
        -- Its total counts what its cache answered too.
        cast(sum(number_of(used ->> '$.total') - coalesce(number_of(used ->> '$.cached'), 0)) as varchar) as total_tokens
    from uses
    group by file_no, source_line, prompt_no, feature_id, role

),

runs as (

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
            ':', eval_id, case when runs > 1 then prompt_no end, case when features > 1 then runs.feature_id end
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
