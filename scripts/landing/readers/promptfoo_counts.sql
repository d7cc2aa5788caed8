-- Promptfoo's outcomes by prompt and feature, beside what it says of each prompt itself.
, counted as (

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

)
