-- inspect_ai logs, after logs.py has cut them down: a log is a run of one task on one model.
with logs as (

    select
        file_no,
        source_line,
        document,
        document -> '$.eval' as evaluated,
        document ->> '$.eval.model' as model,
        coalesce(len(json_keys(document, '$.stats.model_usage')), 0) > 0 as has_usage
    from documents

),

samples as (

    select
        *,
        unnest(json_extract(document, '$.samples[*]')) as sample
    from logs

),

judged as (

    select
        file_no,
        source_line,
        json_extract_string(sample, '$.calls[*].response_id') as response_ids,
        coalesce((sample ->> '$.error') = 'true', false) as is_errored,
        list_transform(json_extract_string(sample, '$.scores.*.value'), lambda score: verdict_of(score)) as verdicts
    from samples

),

-- A sample passes where no scorer that judges it says otherwise.
counted as (

    select
        file_no,
        source_line,
        count(*) as samples,
        count(*) filter (where not is_errored and list_contains(verdicts, true) and not list_contains(verdicts, false))
            as passed,
        count(*) filter (where not is_errored and list_contains(verdicts, false)) as failed,
        count(*) filter (where is_errored) as errored,
        array_to_string(list_sort(flatten(list(response_ids))), ' ') as response_ids
    from judged
    group by file_no, source_line

),

calls as (

    select
        file_no,
        source_line,
        model as run_model,
        unnest(json_extract(sample, '$.calls[*]')) as call
    from samples

),

requests as (

    select
        file_no,
        source_line,
        case
            when call ->> '$.model' is distinct from run_model or (call ->> '$.is_grading') = 'true' then 'grader'
            else 'target'
        end as role,
        call ->> '$.model' as model,
        count(*) as requests
    from calls
    group by all

)
