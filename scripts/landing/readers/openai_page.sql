-- Pages of the OpenAI costs and usage API, or their buckets alone. A bucket without results says that the page covers
-- it. A result of the other report in the same file is refused by name, instead of landing as nothing.
with buckets as (

    select
        file_no,
        source_line,
        unnest(case
            when json_type(document, '$.data') = 'ARRAY' then json_extract(document, '$.data[*]')
            else [cast(document as json)]
        end) as bucket
    from documents

),

buckets_opened as (

    -- Before they are multiplied: a bucket may hold megabytes.
    select
        file_no,
        source_line,
        bucket ->> '$.start_time' as start_time,
        bucket ->> '$.end_time' as end_time,
        case
            when json_array_length(bucket, '$.results') > 0 then json_extract(bucket, '$.results[*]')
            else [cast('{}' as json)]
        end as bucket_results
    from buckets

),

results as (

    select
        file_no,
        source_line,
        start_time,
        end_time,
        unnest(bucket_results) as result
    from buckets_opened

),

kinds_told as (

    select
        *,
        (result ->> '$.object') = 'organization.costs.result' as is_cost
    from results

)

select
    file_no,
    source_line,
    cast(json_merge_patch(result, json_object(
        'start_time', start_time,
        'end_time', end_time,
        'amount_value', case
            when is_cost then coalesce(result ->> '$.amount.value', result ->> '$.amount')
            else result ->> '$.object'
        end,
        'amount_currency', result ->> '$.amount.currency',
        'num_model_requests', case when is_cost then result ->> '$.object' else result ->> '$.num_model_requests' end,
        'operation', regexp_extract(result ->> '$.object', '^organization\.usage\.([a-z_]+)\.', 1)
    )) as varchar) as document
from kinds_told
