with files as (

    select distinct
        file_id,
        source_file
    from {{ source('landed', 'files') }}

),

unexplained_usage as (

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

    -- An eval tool's total may show tokens that its parts lack.
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

    -- Providers bill code execution by container hour, which calls share: no call has a price.
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

    -- A rejected line has no time and no known usage.
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
from unexplained_usage
group by seen_on, service, operation, reason, source_file
