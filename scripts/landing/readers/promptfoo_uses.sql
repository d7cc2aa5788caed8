-- What results count themselves stands before the prompt's totals, which may hold what the cache answered.
, counts as (

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

)
