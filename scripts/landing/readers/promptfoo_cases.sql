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
        unnest(range(cast(json_array_length(prompts) as bigint))) as prompt_no,
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
        unnest(range(cast(json_array_length(table_row, '$.outputs') as bigint))) as column_no
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

)
