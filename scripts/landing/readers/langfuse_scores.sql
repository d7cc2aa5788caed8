-- Langfuse scores: of the API's pages, the blob export, a table's export, or a trace download. A score of a dataset run
-- belongs to that run; any other was given to what the application did. A judge's own trace may be named beside it.
with scores as (

    select
        file_no,
        source_line,
        unnest(case
            when json_type(document, '$.scores') = 'ARRAY' then json_extract(document, '$.scores[*]')
            when json_type(document, '$.data') = 'ARRAY' then json_extract(document, '$.data[*]')
            when json_type(document, '$.trace.scores') = 'ARRAY' then json_extract(document, '$.trace.scores[*]')
            -- A trace without scores, or an observation whose own input speaks of some.
            when json_exists(document, '$.observations') or json_exists(document, '$.startTime')
                or json_exists(document, '$.start_time') then []
            else [cast(document as json)]
        end) as score
    from documents

),

named as (

    select
        *,
        coalesce(score ->> '$.timestamp', score ->> '$.createdAt', score ->> '$.created_at') as scored_at,
        -- The API's version 3 says what a score is of by its kind and id.
        coalesce(
            score ->> '$.traceId', score ->> '$.trace_id', score ->> '$.subject.traceId',
            case score ->> '$.subject.kind' when 'trace' then score ->> '$.subject.id' end
        ) as trace_id,
        coalesce(
            score ->> '$.datasetRunId', score ->> '$.dataset_run_id',
            case score ->> '$.subject.kind' when 'experiment' then score ->> '$.subject.id' end
        ) as experiment,
        json_of(score ->> '$.metadata') as metadata,
        coalesce(score ->> '$.dataType', score ->> '$.data_type', 'NUMERIC') as data_type,
        coalesce(score ->> '$.stringValue', score ->> '$.string_value') as label
    from scores

),

judged as (

    select
        *,
        case
            when upper(data_type) in ('TEXT', 'CORRECTION') then null
            when upper(data_type) = 'NUMERIC' then verdict_of(case
                when try_cast(score ->> '$.value' as double) is not null then score ->> '$.value'
            end)
            else coalesce(verdict_of(text_of(label)), verdict_of(text_of(score ->> '$.value')))
        end as verdict
    from named

)

select
    file_no,
    source_line,
    cast(json_object(
        'tool', 'langfuse',
        'run_id', coalesce(text_of(experiment), online_run(score ->> '$.environment', time_of(scored_at, null))),
        'item_id', score ->> '$.id',
        'feature_id', feature_of(metadata),
        'suite', score ->> '$.name',
        'started_at', scored_at,
        'status', 'success',
        'cases', 1,
        'passed', cast(verdict is not distinct from true as integer),
        'failed', cast(verdict is not distinct from false as integer),
        'errored', 0,
        'is_online', text_of(experiment) is null,
        'trace_id', trace_id,
        'trace_ids', nullif(concat_ws(
            ' ',
            case when text_of(experiment) is not null then text_of(trace_id) end,
            text_of(coalesce(score ->> '$.executionTraceId', score ->> '$.execution_trace_id'))
        ), ''),
        'span_id', coalesce(
            score ->> '$.observationId', score ->> '$.observation_id',
            case score ->> '$.subject.kind' when 'observation' then score ->> '$.subject.id' end
        )
    ) as varchar) as document
from judged
