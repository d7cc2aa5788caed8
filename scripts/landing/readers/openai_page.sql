-- Pages of the OpenAI costs and usage API: buckets of results. A bucket without results says that the page covers it.
with buckets as (

    select
        file_no,
        source_line,
        unnest(json_extract(document, '$.data[*]')) as bucket
    from documents

),

results as (

    select
        *,
        unnest(case
            when json_array_length(bucket, '$.results') > 0 then json_extract(bucket, '$.results[*]')
            else [cast('{}' as json)]
        end) as result
    from buckets

)

select
    file_no,
    source_line,
    cast(json_merge_patch(result, json_object(
        'start_time', bucket ->> '$.start_time',
        'end_time', bucket ->> '$.end_time',
        'amount_value', result ->> '$.amount.value',
        'amount_currency', result ->> '$.amount.currency',
        'operation', regexp_extract(result ->> '$.object', '^organization\.usage\.([a-z_]+)\.', 1)
    )) as varchar) as document
from results
