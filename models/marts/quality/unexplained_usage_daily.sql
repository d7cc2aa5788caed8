-- one row per day, service, operation, reason and file: usage that spans state and that no call covers
with files as (

    select distinct
        file_id,
        source_file
    from {{ source('landed', 'files') }}

),

unexplained as (

    select
        usage.started_on as seen_on,
        usage.service_name as service,
        usage.operation_name as operation,
        usage.reason,
        files.source_file,
        1 as spans,
        usage.tokens
    from {{ ref('int_usage_unexplained') }} as usage
    left join files on usage.file_id = files.file_id

    union all

    -- Eval tools may lose tokens of which their total tells.
    select
        started_on as seen_on,
        cast(null as string) as service,
        'eval_run' as operation,
        'unexplained_total' as reason,
        cast(null as string) as source_file,
        1 as spans,
        unexplained_tokens as tokens
    from {{ ref('stg_evals__usage') }}
    where unexplained_tokens > 0

    union all

    -- A provider bills the time of the container, beyond hours that are free and shared by calls: no call has a price.
    select
        cast(spans.started_at as date) as seen_on,
        spans.service_name as service,
        lower(spans.operation) as operation,
        'executed_code' as reason,
        files.source_file,
        1 as spans,
        0 as tokens
    from {{ source('landed', 'spans') }} as spans
    left join files on spans.file_id = files.file_id
    where spans.code_execution_requests > 0 and spans.started_at is not null

    union all

    -- A line that could not be read has no time, and nobody knows what it states.
    select
        date '1970-01-01' as seen_on,
        cast(null as string) as service,
        cast(null as string) as operation,
        'not_understood' as reason,
        source_file,
        1 as spans,
        0 as tokens
    from {{ source('landed', 'rejects') }}
    where kind = 'spans' or (kind = 'file' and reason like 'spans that can''t be read%')

)

select
    seen_on,
    service,
    operation,
    reason,
    source_file,
    cast(sum(spans) as bigint) as spans,
    cast(sum(tokens) as bigint) as tokens
from unexplained
group by seen_on, service, operation, reason, source_file
