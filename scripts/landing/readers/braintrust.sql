-- Braintrust's experiments: rows of an export, or pages of the API. A trace's root is a case; spans of type `llm` beneath it
-- have the tokens, those of purpose `scorer` a judge's. A page that another follows is no whole experiment.
, pages as (

    select
        * exclude (held),
        list_filter(held, lambda page: json_type(page, '$.events') = 'ARRAY') as pages,
        held
    from files

),

rows_held as (

    select
        file_no,
        source_line,
        len(pages) > 0 and len(list_filter(pages, lambda page: text_of(page ->> '$.cursor') is null)) = 0 as is_cut,
        unnest(case
            when len(pages) > 0 then flatten(list_transform(pages, lambda page: json_extract(page, '$.events[*]')))
            else held
        end) as entry
    from pages

),

spans as (

    select
        *,
        json_of(entry ->> '$.scores') as scores,
        json_of(entry ->> '$.metrics') as metrics,
        json_of(entry ->> '$.metadata') as metadata,
        json_of(entry ->> '$.span_attributes') as attributes,
        entry ->> '$.experiment_id' as run_id,
        coalesce((entry ->> '$.is_root') = 'true', (entry ->> '$.span_id') = (entry ->> '$.root_span_id'), true) as is_case
    from rows_held

),

told as (

    select
        *,
        (attributes ->> '$.type') = 'llm' as is_llm,
        case when (attributes ->> '$.purpose') = 'scorer' then 'grader' else 'target' end as role,
        bool_or((attributes ->> '$.type') = 'llm' and json_exists(metrics, '$.prompt_tokens'))
            over (partition by file_no, source_line, run_id) as has_llm_spans,
        case when is_case then result_of(
            list_transform(json_extract_string(scores, '$.*'), lambda score: verdict_of(score)),
            text_of(entry ->> '$.error') is not null and lower(entry ->> '$.error') <> 'null'
        ) end as result
    from spans

),

uses as (

    select
        file_no,
        source_line,
        run_id,
        role,
        metadata ->> '$.model' as model,
        cast(case when bool_and(is_llm) then count(*) end as varchar) as requests,
        summed(metrics ->> '$.prompt_tokens') as input_tokens,
        summed(metrics ->> '$.prompt_cached_tokens') as cache_read_tokens,
        summed(metrics ->> '$.prompt_cache_creation_tokens') as cache_write_tokens,
        summed(metrics ->> '$.completion_tokens') as output_tokens,
        summed(metrics ->> '$.completion_reasoning_tokens') as reasoning_tokens,
        summed(metrics ->> '$.tokens') as total_tokens,
        summed(metrics ->> '$.estimated_cost') as cost_usd
    from told
    where case when has_llm_spans then is_llm else is_case end and json_exists(metrics, '$.prompt_tokens')
    group by file_no, source_line, run_id, role, metadata ->> '$.model'

),

listed as (

    select
        file_no,
        source_line,
        run_id,
        case when count(distinct model) filter (where role = 'target') = 1
            then min(model) filter (where role = 'target') end as model,
        summed(cost_usd) as cost_usd,
        cast(to_json(list({
            'role': role,
            'provider': provider_of(model),
            'model': model,
            'requests': requests,
            'input_tokens': input_tokens,
            'cache_read_tokens': cache_read_tokens,
            'cache_write_tokens': cache_write_tokens,
            'output_tokens': output_tokens,
            'reasoning_tokens': reasoning_tokens,
            'total_tokens': total_tokens,
            'cost_usd': cost_usd
        } order by role desc, model)) as varchar) as usage
    from uses
    group by file_no, source_line, run_id

),

counted as (

    select
        file_no,
        source_line,
        run_id,
        bool_or(is_cut) as is_cut,
        min(entry ->> '$.created') as started_at,
        max(try_cast(metrics ->> '$.end' as decimal(18, 6))) as ended_at,
        coalesce(
            min(metadata ->> '$.suite'), min(entry ->> '$.project_name'), min(entry ->> '$.project_id'), 'braintrust'
        ) as suite,
        case when count(distinct feature_of(metadata)) = 1 then min(feature_of(metadata)) end as feature_id,
        case when count(distinct metadata ->> '$.model') filter (where is_case) = 1
            then min(metadata ->> '$.model') filter (where is_case) end as model,
        case when count(distinct metadata ->> '$.prompt_version') = 1 then min(metadata ->> '$.prompt_version') end
            as prompt_version,
        count(*) filter (where is_case) as cases,
        count(*) filter (where result = 'passed') as passed,
        count(*) filter (where result = 'failed') as failed,
        count(*) filter (where result = 'errored') as errored
    from told
    group by file_no, source_line, run_id

)

select
    counted.file_no,
    counted.source_line,
    cast(json_object(
        'tool', 'braintrust',
        'run_id', counted.run_id,
        'feature_id', counted.feature_id,
        'suite', counted.suite,
        'started_at', case when counted.is_cut then 'a page; put all pages into one file' else counted.started_at end,
        'ended_at', cast(counted.ended_at as varchar),
        'provider', provider_of(coalesce(counted.model, listed.model)),
        'model', coalesce(counted.model, listed.model),
        'prompt_version', counted.prompt_version,
        'status', 'success',
        'cases', counted.cases,
        'passed', counted.passed,
        'failed', counted.failed,
        'errored', counted.errored,
        'cost_usd', listed.cost_usd,
        'usage', listed.usage
    ) as varchar) as document
from counted
left join listed
    on
        counted.file_no = listed.file_no
        and counted.source_line = listed.source_line
        and counted.run_id is not distinct from listed.run_id
