-- The log's own statistics count what this run spent; samples may come from an earlier try of it.
, uses as (

    select
        file_no,
        source_line,
        model as run_model,
        unnest(json_keys(document, '$.stats.model_usage')) as model,
        unnest(json_extract(document, '$.stats.model_usage.*')) as used
    from logs

    union all

    select
        file_no,
        source_line,
        model as run_model,
        unnest(json_keys(sample, '$.model_usage')) as model,
        unnest(json_extract(sample, '$.model_usage.*')) as used
    from samples
    where not has_usage

),

-- What a model used to grade its own answers: by its role, where the log counts roles, else once scoring had begun.
roles as (

    select
        file_no,
        source_line,
        model as run_model,
        evaluated,
        unnest(json_keys(document, '$.stats.role_usage')) as role,
        unnest(json_extract(document, '$.stats.role_usage.*')) as used
    from logs

),

graded as (

    select
        file_no,
        source_line,
        run_model,
        used
    from roles
    where
        lower(role) not in ('default', 'target', 'model', 'solver')
        and coalesce(json_extract_string(evaluated, '$.model_roles."' || role || '".model'), run_model) = run_model

    union all

    select
        file_no,
        source_line,
        run_model,
        call -> '$.usage' as used
    from calls
    anti join roles using (file_no, source_line)
    where (call ->> '$.is_grading') = 'true' and call ->> '$.model' = run_model and json_exists(call, '$.usage')

),

-- A log that goes on from another counts its own use alone, but has the other's samples: no more is told apart than it counts.
graded_within as (

    select
        file_no,
        source_line
    from (
        select *, 1 as side from uses where model = run_model
        union all
        select file_no, source_line, run_model, run_model, used, -1 as side from graded
    )
    group by file_no, source_line
    having
        coalesce(sum(side * number_of(used ->> '$.input_tokens')), 0) >= 0
        and coalesce(sum(side * number_of(used ->> '$.output_tokens')), 0) >= 0

),

told_apart as (

    select
        file_no,
        source_line,
        case when model is distinct from run_model then 'grader' else 'target' end as role,
        model,
        used,
        '' as sign
    from uses

    union all

    select
        file_no,
        source_line,
        unnest(['grader', 'target']) as role,
        run_model as model,
        used,
        unnest(['', '-']) as sign
    from graded
    semi join graded_within using (file_no, source_line)

)
