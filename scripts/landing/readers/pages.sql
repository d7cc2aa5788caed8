-- Pages of a provider's API, or their buckets alone: the results of each bucket. A bucket without results says that the
-- page covers it. A reader of one provider's results follows.
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
        coalesce(bucket ->> '$.start_time', bucket ->> '$.starting_at') as start_time,
        coalesce(bucket ->> '$.end_time', bucket ->> '$.ending_at') as end_time,
        case
            when json_array_length(bucket, '$.results') > 0 then json_extract(bucket, '$.results[*]')
            when json_type(bucket, '$.results') = 'OBJECT' then [json_extract(bucket, '$.results')]
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

)
